import { RequestContext, type ClientWishes } from '../../domain/request-context.js';
import { deadlineOf } from './deadline.js';

const TOTAL = 600_000;

it.each<[string, Partial<ClientWishes>, startBy: number, answerBy: number, endBy: number]>([
  ['nothing asked', {}, TOTAL, TOTAL, TOTAL],
  ['the client allows more than the route', { timeoutMs: 2 * TOTAL, patienceMs: 2 * TOTAL }, TOTAL, TOTAL, TOTAL],
  ['x-parley-timeout-ms is for the whole', { timeoutMs: 3_000 }, 3_000, 3_000, 3_000],
  ["an SDK's time-out is for the beginning, and comes first", { patienceMs: 2_000 }, 2_000, 3_000, TOTAL],
  ['both', { timeoutMs: 30_000, patienceMs: 10_000 }, 10_000, 11_000, 30_000],
  ["the SDK's own default", { patienceMs: TOTAL }, TOTAL, TOTAL, TOTAL],
])('%s', (_, wishes, startBy, answerBy, endBy) => {
  const context = new RequestContext('req_1', 1_000, 0, { strict: false, tags: [], ...wishes });
  const deadline = { startBy: 1_000 + startBy, answerBy: 1_000 + answerBy, endBy: 1_000 + endBy };
  expect(deadlineOf(context, TOTAL)).toEqual(deadline);
});
