import { StaleTurnStateError } from '../../domain/errors.js';
import { anthropicMessages } from './index.js';

const failed = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  anthropicMessages().failure({ status, headers, body: typeof body === 'string' ? body : JSON.stringify(body) });
const report = (type: string, message: string, code?: string) => ({
  type: 'error',
  error: { type, message, details: code === undefined ? null : { error_code: code } },
  request_id: 'req_body',
});

describe('a failure of the Messages API', () => {
  it.each([
    [400, report('invalid_request_error', 'tools.0: bad'), 400, 'invalid_request_error', null],
    [
      400,
      report('invalid_request_error', 'prompt is too long: 9 tokens > 8 maximum'),
      400,
      'invalid_request_error',
      'context_length_exceeded',
    ],
    [
      400,
      report('invalid_request_error', 'input length and `max_tokens` exceed context limit: 1 + 2 > 2'),
      400,
      'invalid_request_error',
      'context_length_exceeded',
    ],
    [
      400,
      report('invalid_request_error', 'too big', 'image_dimensions_too_large'),
      400,
      'invalid_request_error',
      'image_dimensions_too_large',
    ],
    [
      400,
      report('invalid_request_error', 'Your credit balance is too low'),
      429,
      'insufficient_quota',
      'insufficient_quota',
    ],
    [
      400,
      report('invalid_request_error', 'You have reached your specified API usage limits. You will regain access soon.'),
      429,
      'insufficient_quota',
      'insufficient_quota',
    ],
    [
      404,
      [{ error: { code: 404, message: 'Publisher Model `x` was not found', status: 'NOT_FOUND' } }],
      404,
      'invalid_request_error',
      'model_not_found',
    ],
    [
      400,
      report('invalid_request_error', 'On hold', 'organization_on_hold'),
      502,
      'server_error',
      'upstream_authentication',
    ],
    [401, report('authentication_error', 'invalid x-api-key'), 502, 'server_error', 'upstream_authentication'],
    [402, report('billing_error', 'Pay'), 429, 'insufficient_quota', 'insufficient_quota'],
    [403, report('permission_error', 'No'), 502, 'server_error', 'upstream_authentication'],
    [404, report('not_found_error', 'model: claude-x'), 404, 'invalid_request_error', 'model_not_found'],
    [409, report('conflict_error', 'Again'), 409, 'invalid_request_error', null],
    [413, report('request_too_large', 'Too large'), 413, 'invalid_request_error', 'request_too_large'],
    [
      429,
      report('rate_limit_error', 'Number of request tokens has exceeded your per-minute rate limit'),
      429,
      'requests',
      'rate_limit_exceeded',
    ],
    [
      429,
      report('rate_limit_error', 'Limit', 'enforced_spend_limit_reached'),
      429,
      'insufficient_quota',
      'insufficient_quota',
    ],
    [500, report('api_error', 'Oops'), 500, 'server_error', 'upstream_error'],
    [504, report('timeout_error', 'Slow'), 504, 'server_error', 'timeout'],
    [529, report('overloaded_error', 'Overloaded'), 503, 'service_unavailable_error', 'server_is_overloaded'],
    [502, '<html><title>Bad gateway</title></html>', 502, 'server_error', 'upstream_error'],
    [400, { error: 'plain' }, 400, 'invalid_request_error', null],
    [400, { error: { type: 5, message: null } }, 400, 'invalid_request_error', null],
    [400, '[1]', 400, 'invalid_request_error', null],
  ])('%i %j', (upstreamStatus, body, status, type, code) => {
    const error = failed(upstreamStatus, body);
    expect([error.status, error.type, error.code]).toEqual([status, type, code]);
    expect(error.message).not.toBe('');
  });

  it('keeps the wait and the provider’s id of the request', () => {
    const headers = { 'retry-after': '7', 'request-id': 'req_header' };
    expect(failed(429, report('rate_limit_error', 'Slow down'), headers)).toMatchObject({
      retryAfterMs: 7000,
      extra: { upstream_request_id: 'req_header' },
    });
    expect(failed(500, report('api_error', 'Oops')).extra).toEqual({ upstream_request_id: 'req_body' });
    expect(failed(500, 'Oops').extra).toBeUndefined();
  });

  it.each([
    'messages.1.content.0: Invalid `signature` in `thinking` block',
    'messages.1.content.0: Invalid `data` in `redacted_thinking` block',
    'Invalid signature in thinking block. The block is bound to a different conversation',
    'messages.1: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified.',
    'messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`.',
  ])('knows a turn’s state that has gone stale: %s', (message) => {
    const error = failed(400, report('invalid_request_error', message));
    expect(error).toBeInstanceOf(StaleTurnStateError);
    expect((error as StaleTurnStateError).plain()).toMatchObject({
      status: 400,
      extra: { upstream_request_id: 'req_body' },
    });
    expect(failed(400, report('invalid_request_error', 'Invalid tool'))).not.toBeInstanceOf(StaleTurnStateError);
  });
});
