import { UpstreamError } from '../../domain/errors.js';
import { chatFailure, reportedFailure } from './failure.js';
import type { WireAnswer } from './wire.js';

const failed = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): UpstreamError =>
  chatFailure({ status, headers, body: typeof body === 'string' ? body : JSON.stringify(body) });
const openai = (message: string, more: object = {}) => ({
  error: { message, type: null, param: null, code: null, ...more },
});

const INVALID = 'invalid_request_error';

describe('chatFailure', () => {
  it.each<readonly [number, object | string, readonly [status: number, type: string, code: string | null]]>([
    [400, openai('Bad', { code: 'unsupported_value' }), [400, INVALID, 'unsupported_value']],
    [400, openai('Bad', { code: 400 }), [400, INVALID, null]],
    [400, openai('Incorrect API key provided: sk-x'), [502, 'server_error', 'upstream_authentication']],
    [400, openai('Your credit balance is too low'), [429, 'insufficient_quota', 'insufficient_quota']],
    [401, openai('Incorrect API key', { code: 'invalid_api_key' }), [502, 'server_error', 'upstream_authentication']],
    [402, openai('Insufficient Balance'), [429, 'insufficient_quota', 'insufficient_quota']],
    [403, openai('Forbidden'), [502, 'server_error', 'upstream_authentication']],
    [403, openai('No', { code: 'content_policy_violation' }), [400, INVALID, 'content_policy_violation']],
    [404, openai('The model `x` does not exist'), [404, INVALID, 'model_not_found']],
    [404, openai('No such thing'), [404, INVALID, null]],
    [404, openai('This model is only supported in v1/responses'), [404, INVALID, null]],
    [404, openai('The model `x` does not exist', { code: 'x_gone' }), [404, INVALID, 'x_gone']],
    [
      404,
      openai('The API deployment does not exist', { code: 'DeploymentNotFound' }),
      [404, INVALID, 'model_not_found'],
    ],
    [404, openai('No endpoints found for x.', { code: 404 }), [404, INVALID, 'model_not_found']],
    [400, openai('Your input was flagged'), [400, INVALID, 'content_policy_violation']],
    [403, openai('x requires moderation on y'), [400, INVALID, 'content_policy_violation']],
    [403, openai('Your input was flagged', { code: 403 }), [400, INVALID, 'content_policy_violation']],
    [429, openai('Slow', { code: 'slow_down', type: 'x' }), [429, 'rate_limit_error', 'slow_down']],
    ...['credit_balance_exhausted', 'organization_spend_limit_exceeded', 'project_spend_limit_exceeded']
      .concat('organization_usage_limit_exceeded')
      .map(
        (code) =>
          [429, openai('x', { code }), [429, 'insufficient_quota', code]] as [number, object, [number, string, string]],
      ),
    [429, openai('on tokens per min (TPM): Limit 9, Requested 2'), [429, 'tokens', 'rate_limit_exceeded']],
    [429, openai('Requests to the x have exceeded token rate limit'), [429, 'tokens', 'rate_limit_exceeded']],
    [429, openai('Too many requests with this token'), [429, 'requests', 'rate_limit_exceeded']],
    [405, '', [502, 'server_error', 'upstream_error']],
    [408, openai('Slow'), [504, 'server_error', 'timeout']],
    [409, openai('Conflict'), [409, INVALID, null]],
    [413, '<html>Too large</html>', [413, INVALID, null]],
    [418, 'Teapot', [400, INVALID, null]],
    [422, { detail: [{ loc: ['body', 'x'], msg: 'no' }] }, [400, INVALID, null]],
    [424, openai('Dependency'), [502, 'server_error', 'upstream_error']],
    [429, openai('Limit 3 requests'), [429, 'requests', 'rate_limit_exceeded']],
    [429, openai('Limit 3 tokens per minute'), [429, 'tokens', 'rate_limit_exceeded']],
    [429, openai('Limit', { type: 'tokens', code: 'rate_limit_exceeded' }), [429, 'tokens', 'rate_limit_exceeded']],
    [429, openai('You exceeded your current quota'), [429, 'insufficient_quota', 'insufficient_quota']],
    [429, openai('Check your spend limit', { code: 'rate_limit_exceeded' }), [429, 'requests', 'rate_limit_exceeded']],
    [429, openai('The engine is currently overloaded'), [503, 'service_unavailable_error', 'server_is_overloaded']],
    [429, openai('too many tokens this minute'), [429, 'tokens', 'rate_limit_exceeded']],
    [498, openai('Capacity'), [503, 'service_unavailable_error', 'server_is_overloaded']],
    [500, openai('Oops'), [500, 'server_error', 'upstream_error']],
    [501, '', [502, 'server_error', 'upstream_error']],
    [502, '<h1>Bad gateway</h1>', [502, 'server_error', 'upstream_error']],
    [503, { message: 'Loading model' }, [503, 'service_unavailable_error', 'server_is_overloaded']],
    [504, '', [504, 'server_error', 'timeout']],
    [529, openai('Overloaded'), [503, 'service_unavailable_error', 'server_is_overloaded']],
    [302, '', [502, 'server_error', 'upstream_error']],
  ])('%i %j', (given, body, [status, type, code]) => {
    const error = failed(given, body);
    expect(error).toBeInstanceOf(UpstreamError);
    expect([error.status, error.type, error.code, error.upstreamStatus]).toEqual([status, type, code, given]);
  });

  it.each<readonly [unknown, string]>([
    [{ error: { message: 'A', type: 't' } }, 'A'],
    [{ error: 'A' }, 'A'],
    [{ message: 'A', type: 't', code: 'c' }, 'A'],
    [{ object: 'error', message: 'A' }, 'A'],
    [{ detail: 'A' }, 'A'],
    [{ title: 'T', status: 400, detail: 'A' }, 'A'],
    [{ detail: [{ loc: ['body'], msg: 'A' }] }, '[{"loc":["body"],"msg":"A"}]'],
    [{ success: false, errors: [{ code: 7, message: 'A' }], result: null }, 'A'],
    [[{ error: { message: 'A' } }], 'A'],
    [{ error: { message: 'A', metadata: { raw: '{"error":{"message":"B"}}' } } }, 'A: B'],
    [{ error: { message: 'A', metadata: { raw: 'plain B' } } }, 'A: plain B'],
    [{ error: {} }, 'The provider failed without saying why.'],
    ['plain  A\n', 'plain A'],
    ['<html><style>p{}</style><body><h1>No</h1>\n<p>A</p><script>x()</script></body></html>', 'No A'],
    ['', 'The provider failed without saying why.'],
    [{}, '{}'],
    ['null', 'null'],
    ['{"error":', '{"error":'],
  ])('reads %j', (body, message) => expect(failed(400, body).message).toBe(message));

  it('passes on the path of the field and what Azure saw, and never more than a page can need', () => {
    const innererror = { code: 'ResponsibleAIPolicyViolation', content_filter_result: { hate: { filtered: true } } };
    const error = failed(400, openai('No', { code: 'content_filter', param: 'prompt', innererror }));
    expect([error.param, error.code, error.extra]).toEqual(['prompt', 'content_filter', { innererror }]);
    expect(failed(404, openai('The model `x` does not exist', { param: 'model' })).param).toBe('model');
    expect(failed(502, 'x'.repeat(100_000)).message).toHaveLength(500);
  });

  it.each([
    [429, { 'retry-after-ms': '250', 'retry-after': '9' }, '', 250],
    [429, { 'retry-after': '2' }, '', 2000],
    [503, { 'retry-after': '1.5' }, '', 1500],
    [429, { 'retry-after': 'Sun, 22 Nov 2026 10:00:07 GMT', date: 'Sun, 22 Nov 2026 10:00:00 GMT' }, '', 7000],
    [429, { 'retry-after': 'Sun, 22 Nov 2026 09:00:00 GMT', date: 'Sun, 22 Nov 2026 10:00:00 GMT' }, '', undefined],
    [429, { 'retry-after': 'soon' }, '', undefined],
    [429, { 'retry-after': '0' }, '', undefined],
    [429, { 'retry-after': '-2' }, '', undefined],
    [503, { 'retry-after': '1e999' }, '', 86_400_000],
    [429, {}, 'Please try again in 99999999h', 86_400_000],
    [429, {}, 'Please try again in 1.146s.', 1146],
    [429, {}, 'Please try again in 84ms.', 84],
    [503, {}, 'Retry after 20 seconds', 20_000],
    [500, {}, 'Please try again in 2s.', undefined],
    [429, { 'retry-after': '1' }, 'Please try again in 9s.', 1000],
  ])('%i %j %s: waits %p', (status, headers, message, wait) =>
    expect(failed(status, openai(message), headers as Record<string, string>).retryAfterMs).toBe(wait),
  );

  it.each([
    ['key sk-proj-abcdef123456 is bad', 'key [secret] is bad'],
    ['gsk_abcdefgh1234, xai-abcdefgh1234', '[secret], [secret]'],
    ['key AIzaSyA1234567890abcdef here', 'key [secret] here'],
    ['in organization org-AbCdEf123456 on tokens', 'in organization [account] on tokens'],
    ['project proj_AbCdEf123456', 'project [account]'],
    ['sent Authorization: Bearer abc.def', 'sent Authorization: Bearer [secret]'],
    ['a task-force of risk-takers', 'a task-force of risk-takers'],
  ])('redacts %s', (message, shown) => expect(failed(500, openai(message)).message).toBe(shown));

  it.each([
    ["OpenAI: This model's maximum context length is 8192 tokens."],
    ['Mistral: Prompt contains 33000 tokens, too large for model with 32768 maximum'],
    ["xAI: This model's maximum prompt length is 131072 but the request contains 537812 tokens."],
    ['Fireworks: The prompt is too long: 200000'],
    ['Cohere: too many tokens: total number of tokens in the prompt cannot exceed 4081'],
    ['Together: `inputs` tokens + `max_new_tokens` must be <= 4097'],
    ['Moonshot: Your request exceeded model token limit: 131072'],
    ['DashScope: Range of input length should be [1, 129024]'],
    ['Z.AI: Prompt exceeds max length'],
    ['MiniMax: invalid params, context window exceeds limit'],
    ['llama.cpp: the request exceeds the available context size'],
    ['Ollama: input length exceeds the context length'],
    ['Ollama: prompt too long; exceeded max context length by 4 tokens'],
    ['LM Studio: The number of tokens to keep from the initial prompt is greater than the context length'],
    ['Cloudflare: The estimated number of tokens (4149) exceeded this model context window limit (4096).'],
  ])('knows a conversation that is too long: %s', (message) => {
    const error = failed(400, openai(message));
    expect(error).toMatchObject({ status: 400, type: INVALID, code: 'context_length_exceeded', param: 'messages' });
    expect(error.message).toMatch(/maximum context length/i); // clients look for the phrase
    expect(failed(413, openai(message)).status).toBe(400);
    expect(failed(500, openai(message)).code).toBe('upstream_error');
  });

  it('knows it by the code alone', () => {
    const cerebras = {
      message: 'Please reduce the length of the messages.',
      code: 'context_length_exceeded',
      param: 'messages',
    };
    expect(failed(400, cerebras).code).toBe('context_length_exceeded');
  });
});

describe('reportedFailure', () => {
  it.each<readonly [WireAnswer, number, string | null]>([
    [{ error: { message: 'A', code: 429 } }, 429, 'rate_limit_exceeded'],
    [{ error: { message: 'A', code: '503' } }, 503, 'server_is_overloaded'],
    [{ error: { message: 'A', status_code: 400 } }, 400, null],
    [{ error: { message: 'A', type: 'overloaded_error' } }, 503, 'server_is_overloaded'],
    [{ error: { message: 'A', type: 'server_error' } }, 500, 'upstream_error'],
    [{ error: { message: 'A', code: 'insufficient_quota' } }, 429, 'insufficient_quota'],
    [{ error: { message: 'A', code: 'constructor', type: 'toString' } }, 502, 'upstream_error'],
    [{ error: 'A' }, 502, 'upstream_error'],
    [{ error: 'The prompt is too long' }, 400, 'context_length_exceeded'],
    [{ error: { message: 'too many tokens', type: 'tokens' } }, 429, 'rate_limit_exceeded'],
    [{ error: { message: 'A', type: 'requests' } }, 429, 'rate_limit_exceeded'],
    [{ error: { message: 'Your input was flagged' } }, 400, 'content_policy_violation'],
    [{ error: { message: 'A', code: 'content_filter' } }, 400, 'content_filter'],
    [{ error: { message: 'The prompt is too long', type: 'server_error' } }, 500, 'upstream_error'],
    [{ base_resp: { status_code: 9999, status_msg: 'context window exceeds limit' } }, 400, 'context_length_exceeded'],
    [{ error: true }, 502, 'upstream_error'],
    [{ x_groq: { error: 'A' } }, 502, 'upstream_error'],
    [{ object: 'error', message: 'A', type: 'BadRequestError', code: 400 }, 400, null],
    [{ success: false, errors: [{ code: 3040, message: 'A' }], result: null }, 502, 'upstream_error'],
    [{ base_resp: { status_code: 1002, status_msg: 'A' } }, 429, 'rate_limit_exceeded'],
    [{ base_resp: { status_code: 1004, status_msg: 'A' } }, 502, 'upstream_authentication'],
    [{ base_resp: { status_code: 1008, status_msg: 'A' } }, 429, 'insufficient_quota'],
    [{ base_resp: { status_code: 2013, status_msg: 'A' } }, 400, null],
    [{ base_resp: { status_code: 9999 } }, 502, 'upstream_error'],
  ])('%j', (wire, status, code) => expect(reportedFailure(wire)).toMatchObject({ status, code }));

  it.each([
    [{}],
    [{ error: null }],
    [{ error: '' }],
    [{ error: false }],
    [{ base_resp: { status_code: 0, status_msg: '' } }],
    [{ base_resp: null, x_groq: { id: 'a' } }],
  ])('is none in %j', (wire) => expect(reportedFailure(wire)).toBeUndefined());
});
