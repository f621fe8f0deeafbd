import type { IncomingMessage } from 'node:http';
import { EventLoopDelay } from './event-loop-delay.js';
import { Intake } from './intake.js';

const refusal = (intake: Intake, method: string, url: string) =>
  intake.refusalOf({ method, url } as IncomingMessage)?.code;

const WORK = ['POST', '/v1/chat/completions'] as const;

it('takes on no more than so many requests at a time', () => {
  const intake = new Intake(new EventLoopDelay());
  for (let n = 0; n < 5_000; n += 1) intake.enter();
  expect(refusal(intake, ...WORK)).toBeUndefined();
  intake.enter();
  expect(refusal(intake, ...WORK)).toBe('server_is_overloaded');
  expect(refusal(intake, 'GET', '/v1/models')).toBe('server_is_overloaded');
  expect(refusal(intake, 'GET', '/healthz')).toBeUndefined();
  expect(intake.underWay).toBe(5_001);
  intake.leave();
  expect(refusal(intake, ...WORK)).toBeUndefined();
});

it.each([
  [...WORK, 'shutting_down'],
  ['GET', '/v1/models', 'shutting_down'],
  ['POST', '/readyz', 'shutting_down'],
  ['GET', '/readyzz', 'shutting_down'],
  ['GET', '/readyz', undefined],
  ['HEAD', '/readyz', undefined],
  ['GET', '/healthz?verbose', undefined],
  ['GET', '/metrics', undefined],
])('once stopped: %s %s is refused with %s', (method, url, code) => {
  const intake = new Intake(new EventLoopDelay());
  expect(refusal(intake, method, url)).toBeUndefined();
  intake.stop();
  expect(refusal(intake, method, url)).toBe(code);
});

it('tells when nothing is under way any more', async () => {
  const intake = new Intake(new EventLoopDelay());
  await intake.none();
  intake.enter();
  intake.enter();
  let isOver = false;
  const over = intake.none().then(() => (isOver = true));
  intake.leave();
  await new Promise(setImmediate);
  expect(isOver).toBe(false);
  intake.leave();
  await over;
});
