import { ShuttingDownError } from '../domain/errors.js';
import { OpenRequests } from './open-requests.js';

/** A request on the list, and with what it was cut. */
function track(open: OpenRequests) {
  const cuts: string[] = [];
  const remove = open.track(({ code }) => cuts.push(String(code)));
  return { cuts, remove };
}

it('waits for all that are open, and for none that are not', async () => {
  const open = new OpenRequests();
  await open.none();
  const [one, other] = [track(open), track(open)];
  let isOver = false;
  const over = open.none().then(() => (isOver = true));
  one.remove();
  one.remove();
  await new Promise(setImmediate);
  expect([open.size, isOver]).toEqual([1, false]);
  other.remove();
  await over;
  expect([open.size, one.cuts, other.cuts]).toEqual([0, [], []]);
});

it('cuts those that are open, none that is over, and at once whatever comes after', () => {
  const open = new OpenRequests();
  const [one, over] = [track(open), track(open)];
  over.remove();
  open.cutAll(new ShuttingDownError());
  expect([one.cuts, over.cuts]).toEqual([['shutting_down'], []]);
  expect(open.size).toBe(1); // until it says itself that it is over
  one.remove();
  const late = track(open);
  expect([late.cuts, open.size]).toEqual([['shutting_down'], 0]);
});
