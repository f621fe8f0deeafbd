import { EventLoopDelay } from '../../src/http/event-loop-delay.js';
import { startLab, type Lab } from '../support/lab.js';
import { answerWith, completion } from '../support/upstream.js';

let lab: Lab;
beforeAll(async () => {
  lab = await startLab();
});
afterAll(() => lab.close());

/** Keeps this thread, which is the gateway's too, from anything else. */
function block(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

/** Blocks the thread turn by turn of its loop until something has come about. */
async function busyUntil<T>(ms: number, done: Promise<T>): Promise<T> {
  let isDone = false;
  const over = done.finally(() => (isDone = true));
  while (!isDone) {
    block(ms);
    await new Promise(setImmediate);
  }
  return over;
}

const answer = answerWith(completion('ok'));
const delay = (): EventLoopDelay => lab.gateway.app.get(EventLoopDelay);

/** The end of the window that is being measured. */
async function nextWindow(): Promise<void> {
  for (const before = delay().latest; delay().latest === before;) await new Promise(setImmediate);
}

async function isLate(expected: boolean): Promise<void> {
  while (delay().isLate !== expected) await nextWindow();
}

it('takes one long task for what it is, and two in a row for more', async () => {
  do {
    await nextWindow();
    block(1_100);
    await nextWindow();
  } while (delay().latest.p50 < 1_000); // a moment before the task was measured too
  expect(delay().isLate).toBe(false);
  block(1_100);
  await nextWindow();
  expect(delay().isLate).toBe(true);
  await isLate(false);
  expect((await lab.ask(answer)).status).toBe(200);
});

it('refuses new work at once while it is too busy to do it in time, and takes it again soon after', async () => {
  await busyUntil(300, isLate(true));
  expect(delay().latest.p50).toBeGreaterThan(250);
  const refusal = await busyUntil(300, lab.ask(answer));
  expect(refusal).toMatchObject({
    status: 503,
    headers: { 'x-should-retry': 'true', 'retry-after': expect.stringMatching(/^[12]$/) },
  });
  expect(JSON.parse(refusal.text)).toMatchObject({
    error: { type: 'service_unavailable_error', code: 'server_is_overloaded' },
  });
  const wait = Number(refusal.headers['retry-after-ms']);
  expect(wait).toBeGreaterThanOrEqual(500);
  expect(wait).toBeLessThanOrEqual(1_500);
  expect(lab.upstream.requests).toEqual([]);
  const authorization = `Bearer ${lab.gateway.key}`;
  const read = (path: string) => fetch(lab.gateway.url + path, { headers: { authorization } });
  const reads = await busyUntil(300, Promise.all(['/healthz', '/readyz', '/v1/models'].map(read)));
  expect(reads.map(({ status }) => status)).toEqual([200, 200, 200]);

  await busyUntil(190, nextWindow().then(nextWindow));
  expect(delay().latest.p50).toBeLessThan(250);
  expect(delay().isLate).toBe(true); // a little better is not well yet
  await isLate(false);
  expect((await lab.ask(answer)).status).toBe(200);
});
