import { RequestContext, type ClientWishes } from '../../domain/request-context.js';
import { deadlineOf } from './deadline.js';

const TOTAL = 600_000;

it.each<[string, Partial<ClientWishes>, answerBy: number, endBy: number]>([
  ['nothing asked', {}, TOTAL, TOTAL],
  ['the client allows more than the route', { timeoutMs: 2 * TOTAL, patienceMs: 2 * TOTAL }, TOTAL, TOTAL],
  ['x-parley-timeout-ms is for the whole', { timeoutMs: 3_000 }, 3_000, 3_000],
  ["an SDK's time-out is for the beginning", { patienceMs: 2_000 }, 1_900, TOTAL],
  ['the margin is bounded', { patienceMs: 60_000 }, 59_500, TOTAL],
  ['both', { timeoutMs: 30_000, patienceMs: 10_000 }, 9_500, 30_000],
  ["the SDK's own default", { patienceMs: TOTAL }, TOTAL - 500, TOTAL],
])('%s', (_, wishes, answerBy, endBy) => {
  const context = new RequestContext('req_1', 1_000, 0, { strict: false, tags: [], ...wishes });
  expect(deadlineOf(context, TOTAL)).toEqual({ answerBy: 1_000 + answerBy, endBy: 1_000 + endBy });
});
