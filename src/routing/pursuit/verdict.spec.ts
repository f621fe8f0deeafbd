import {
  InternalError,
  InvalidRequestError,
  OverloadedError,
  TruncatedStreamError,
  UnfitAnswerError,
  UpstreamError,
  UpstreamTimeoutError,
  UpstreamUnreachableError,
} from '../../domain/errors.js';
import { classify } from '../../protocols/failure/failure-kinds.js';
import { refusedWith, verdictOn, type Verdict } from './verdict.js';

/** A failure as the dialects read it. */
const told = (status: number, message = 'x', more: { readonly code?: string; readonly wait?: number } = {}) =>
  classify({ message, type: undefined, code: more.code, param: undefined, innererror: undefined }, status, more.wait);

it.each<[string, unknown, Verdict]>([
  ['a connection that fails', new UpstreamUnreachableError('x'), 'again'],
  ['a stream without an end', new TruncatedStreamError(), 'again'],
  ['a time-out', new UpstreamTimeoutError('firstToken', 1), 'elsewhere'],
  ['408', told(408), 'again'],
  ['409', told(409), 'again'],
  ['429', told(429), 'again'],
  ['429 with a wait', told(429, 'x', { wait: 5 }), 'elsewhere'],
  ['500', told(500), 'again'],
  ['502', told(502), 'again'],
  ['503', told(503), 'again'],
  ['503 with a wait', told(503, 'x', { wait: 5 }), 'elsewhere'],
  ['529', told(529), 'again'],
  ['an answer that is none', new UpstreamError('x', { code: 'invalid_upstream_answer' }), 'again'],
  ['JSON that is not what was asked for', new UnfitAnswerError('x', undefined), 'again'],
  ['401', told(401), 'credential'],
  ['402', told(402), 'credential'],
  ['403', told(403), 'credential'],
  ['429 of a quota that is used up', told(429, 'x', { code: 'insufficient_quota' }), 'credential'],
  ['a key that is refused with 400', told(400, 'API key not valid.'), 'credential'],
  ['a conversation that is too long', told(400, 'maximum context length is 8'), 'contextWindow'],
  ['the same with 413', told(413, 'prompt is too long'), 'contextWindow'],
  ['a content policy', told(400, 'x', { code: 'content_filter' }), 'contentPolicy'],
  ['a content policy of Azure', told(400, 'triggering content management policy'), 'contentPolicy'],
  ['400', told(400), 'final'],
  ['404', told(404, 'model not found'), 'final'],
  ['422', told(422), 'final'],
  ['a parameter that the deployment cannot honour', new InvalidRequestError('x'), 'skip'],
  ['a deployment with too much to do', new OverloadedError('x', 1), 'skip'],
  ['a fault of our own', new InternalError(), 'final'],
  ['something thrown', 'x', 'final'],
])('%s', (_, error, verdict) => {
  expect(verdictOn(error)).toBe(verdict);
});

it.each([
  [401, 401],
  [403, 403],
  [402, 402],
])('a credential refused with %i is refused with %i', (status, expected) => {
  expect(refusedWith(told(status))).toBe(expected);
});

it('takes a quota that is used up for a bill that is not paid', () => {
  expect(refusedWith(told(429, 'x', { code: 'insufficient_quota' }))).toBe(402);
});
