import { Observable, Subject } from 'rxjs';
import { ShuttingDownError } from '../domain/errors.js';
import { OpenRequests } from './open-requests.js';

/** What the answers of a watched source bring, in the order in which it came about. */
function follow(open: OpenRequests) {
  const seen: string[] = [];
  const source = new Subject<number>();
  const counted = new Observable<number>((answers) => {
    const subscription = source.subscribe(answers);
    return () => {
      seen.push('left');
      subscription.unsubscribe();
    };
  });
  const subscription = open.watch(counted).subscribe({
    next: (value) => seen.push(String(value)),
    error: (error: Error) => seen.push(error.name),
    complete: () => seen.push('complete'),
  });
  return { seen, source, subscription };
}

it.each([
  ['completes', (end: ReturnType<typeof follow>) => end.source.complete(), ['1', 'complete', 'left']],
  ['fails', (end: ReturnType<typeof follow>) => end.source.error(new RangeError()), ['1', 'RangeError', 'left']],
  ['is left', (end: ReturnType<typeof follow>) => end.subscription.unsubscribe(), ['1', 'left']],
])('a request is open until it %s', async (_, end, seen) => {
  const open = new OpenRequests();
  const request = follow(open);
  request.source.next(1);
  const over = open.none();
  expect(open.size).toBe(1);
  end(request);
  expect(open.size).toBe(0);
  await over;
  open.cutAll(new ShuttingDownError());
  expect(request.seen).toEqual(seen);
});

it('cuts what is open, calls upstream first, and whatever comes after', async () => {
  const open = new OpenRequests();
  const [one, other] = [follow(open), follow(open)];
  open.cutAll(new ShuttingDownError());
  await open.none();
  expect(one.seen).toEqual(['left', 'ShuttingDownError']);
  expect(other.seen).toEqual(['left', 'ShuttingDownError']);
  expect(follow(open).seen).toEqual(['ShuttingDownError']);
  expect(open.size).toBe(0);
});

it('waits for one that nobody listens to', async () => {
  const open = new OpenRequests();
  const remove = open.track(() => undefined);
  let isOver = false;
  const over = open.none().then(() => (isOver = true));
  await new Promise(setImmediate);
  expect(isOver).toBe(false);
  remove();
  await over;
});
