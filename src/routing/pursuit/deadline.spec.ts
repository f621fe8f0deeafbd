import { RequestContext, type ClientWishes } from '../../domain/request-context.js';
import { deadlineOf } from './deadline.js';

const TOTAL = 600_000;

it.each<[string, Partial<ClientWishes>, answerBy: number, endBy: number, isClients: boolean]>([
  ['nothing asked', {}, TOTAL, TOTAL, false],
  ['the client allows more than the route', { timeoutMs: 2 * TOTAL, patienceMs: 2 * TOTAL }, TOTAL, TOTAL, false],
  ['x-parley-timeout-ms is for the whole', { timeoutMs: 3_000 }, 3_000, 3_000, true],
  ["an SDK's time-out is for the beginning", { patienceMs: 2_000 }, 1_900, TOTAL, true],
  ['the margin is bounded', { patienceMs: 60_000 }, 59_500, TOTAL, true],
  ['both', { timeoutMs: 30_000, patienceMs: 10_000 }, 9_500, 30_000, true],
  ["the SDK's own default", { patienceMs: TOTAL }, TOTAL - 500, TOTAL, true],
])('%s', (_, wishes, answerBy, endBy, isClients) => {
  const context = new RequestContext('req_1', 1_000, 0, { strict: false, tags: [], ...wishes });
  expect(deadlineOf(context, TOTAL)).toEqual({ answerBy: 1_000 + answerBy, endBy: 1_000 + endBy, isClients });
});
