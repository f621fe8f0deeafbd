import { StaleTurnStateError } from '../../domain/errors.js';
import { geminiGenerateContent } from './index.js';

const protocol = geminiGenerateContent({ host: 'gemini' });

const failed = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  protocol.failure({ status, headers, body: typeof body === 'string' ? body : JSON.stringify(body) });

const error = (message: string, more: object = {}) => ({ error: { message, ...more } });
const details = (...list: readonly object[]) => ({ details: list });
const quota = (quotaId: string) => ({ violations: [{ quotaId }] });
const retry = (retryDelay: unknown) => ({ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay });
const EXCEEDED = 'You exceeded your current quota, please check your plan and billing details.';

describe('a failure of Gemini', () => {
  it.each<readonly [string, number, unknown, object]>([
    [
      'a bad request',
      400,
      error('No such field'),
      { status: 400, type: 'invalid_request_error', message: 'No such field' },
    ],
    [
      'a bad request, told in its details',
      400,
      error('Invalid.', details({ fieldViolations: [{ field: 'a.b', description: 'No.' }, { description: 7 }] })),
      { status: 400, message: 'Invalid. a.b: No.' },
    ],
    ['one in a list', 400, [error('No such field')], { status: 400, message: 'No such field' }],
    [
      'a prompt that is too long',
      400,
      error('The input token count (1250074) exceeds the maximum number of tokens allowed (1048576).'),
      { status: 400, code: 'context_length_exceeded' },
    ],
    [
      'a prompt that is too long for Vertex AI',
      400,
      error('Unable to submit request because the input token count is 2000015 but the model supports up to 1048575.'),
      { status: 400, code: 'context_length_exceeded' },
    ],
    [
      'a key of ours',
      400,
      error('API key not valid.', details({ reason: 'API_KEY_INVALID' })),
      { status: 502, code: 'upstream_authentication' },
    ],
    [
      'a key of ours, in other words',
      400,
      error('Bad.', details({ reason: 'API_KEY_INVALID' })),
      { status: 502, code: 'upstream_authentication' },
    ],
    [
      'a place',
      400,
      error('User location is not supported for the API use.', { status: 'FAILED_PRECONDITION' }),
      { status: 403, type: 'permission_error' },
    ],
    [
      'no credential',
      401,
      error('Missing', { status: 'UNAUTHENTICATED' }),
      { status: 502, code: 'upstream_authentication' },
    ],
    [
      'no permission',
      403,
      error('Denied', { status: 'PERMISSION_DENIED' }),
      { status: 502, code: 'upstream_authentication' },
    ],
    ['no model', 404, error('models/x is not found for API version v1beta'), { status: 404, code: 'model_not_found' }],
    [
      'no model on Vertex AI',
      404,
      error('Publisher Model `projects/p/x` was not found'),
      { status: 404, code: 'model_not_found' },
    ],
    ['a conflict', 409, error('Aborted'), { status: 409 }],
    ['a body that is too large', 413, '<html>Too large</html>', { status: 413, message: 'Too large' }],
    [
      'a quota per minute',
      429,
      error(EXCEEDED, details(quota('TokensPerModelPerMinute'), retry('17.5s'))),
      { status: 429, type: 'tokens', code: 'rate_limit_exceeded', retryAfterMs: 17_500 },
    ],
    [
      'a quota per minute, without a wait',
      429,
      error(EXCEEDED, details(quota('RequestsPerMinute'))),
      { status: 429, type: 'requests', code: 'rate_limit_exceeded' },
    ],
    [
      'a quota per day',
      429,
      error('No', details(quota('RequestsPerMinute'), quota('RequestsPerDayPerProject'), retry('17s'))),
      { status: 429, type: 'insufficient_quota', code: 'insufficient_quota', retryAfterMs: undefined },
    ],
    [
      'a quota of Vertex AI',
      429,
      error('Resource has been exhausted (e.g. check quota).'),
      { status: 429, code: 'rate_limit_exceeded' },
    ],
    ['a quota as a page', 429, '<html><h1>Too many requests</h1></html>', { status: 429, code: 'rate_limit_exceeded' }],
    ['a call broken off', 499, error('Cancelled', { status: 'CANCELLED' }), { status: 502, code: 'upstream_error' }],
    ['a fault', 500, error('Internal'), { status: 500 }],
    ['too much to do', 503, error('The model is overloaded.'), { status: 503, code: 'server_is_overloaded' }],
    ['a deadline', 504, error('Deadline'), { status: 504 }],
    ['nothing', 500, '', { status: 500 }],
    [
      'nonsense',
      400,
      { error: { message: 7, details: [null, 7, { retryDelay: 7, violations: 'x' }] } },
      { status: 400 },
    ],
    [
      'depth without bottom',
      429,
      `{"error":{"code":${'['.repeat(5000)}${']'.repeat(5000)},"message":"No","details":[{"violations":[{"quotaId":${'['.repeat(5000)}${']'.repeat(5000)}}]}]}}`,
      { status: 429 },
    ],
    ['a word', 400, { error: 'No' }, { status: 400, message: 'No' }],
  ])('%s', (_, status, body, expected) => {
    expect(failed(status, body)).toMatchObject(expected);
  });

  it('that refuses a thought signature may be mended without it', () => {
    for (const message of [
      'Function call is missing a thought_signature in functionCall parts.',
      'Corrupted thought signature.',
    ])
      expect(failed(400, error(message))).toBeInstanceOf(StaleTurnStateError);
    expect(failed(500, error('thought_signature'))).not.toBeInstanceOf(StaleTurnStateError);
  });

  it('says in a header how long to wait, where it does not say so in the body', () => {
    expect(failed(429, error('No'), { 'retry-after': '3' }).retryAfterMs).toBe(3000);
  });
});
