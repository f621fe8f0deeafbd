import { StaleTurnStateError, type UpstreamError } from '../../domain/errors.js';
import { converseFailure, ExpiredCredentialError, streamFailure } from './failure.js';

const failed = (status: number, type: string, message: string, more: object = {}): UpstreamError =>
  converseFailure({
    status,
    headers:
      type === '' ? {} : { 'x-amzn-errortype': `${type}:http://internal.amazon.com/coral/`, 'x-amzn-requestid': 'r-1' },
    body: JSON.stringify({ message, ...more }),
  });

describe('a failure of Bedrock', () => {
  it.each<[what: string, status: number, type: string, message: string, told: object]>([
    [
      'a bad request',
      400,
      'ValidationException',
      'Bad field.',
      { status: 400, type: 'invalid_request_error', code: null },
    ],
    [
      'too long',
      400,
      'ValidationException',
      'too many total text bytes: 25000001 > 25000000',
      { status: 400, code: 'context_length_exceeded', param: 'messages' },
    ],
    [
      'too long, in other words',
      400,
      'ValidationException',
      'Input Tokens Exceeded: Number of input tokens exceeds maximum length.',
      { status: 400, code: 'context_length_exceeded' },
    ],
    [
      'no such model',
      400,
      'ValidationException',
      'The provided model identifier is invalid.',
      { status: 404, code: 'model_not_found' },
    ],
    [
      'only by profile',
      400,
      'ValidationException',
      'Invocation of model ID x with on-demand throughput isn’t supported.',
      { status: 404, code: 'model_not_found' },
    ],
    [
      'end of life',
      404,
      'ResourceNotFoundException',
      'This model version has reached the end of its life.',
      { status: 404, code: 'model_not_found' },
    ],
    [
      'no access to the model',
      403,
      'AccessDeniedException',
      "You don't have access to the model with the specified model ID.",
      { status: 403, type: 'permission_error' },
    ],
    [
      'not allowed',
      403,
      'AccessDeniedException',
      'User: arn:aws:iam::123456789012:user/x is not authorized to perform: bedrock:InvokeModel',
      { status: 502, code: 'upstream_authentication' },
    ],
    [
      'unknown client',
      403,
      'UnrecognizedClientException',
      'The security token included in the request is invalid.',
      { status: 502, code: 'upstream_authentication' },
    ],
    [
      'bad signature',
      403,
      'InvalidSignatureException',
      'Signature expired: …',
      { status: 502, code: 'upstream_authentication' },
    ],
    ['too slow', 408, 'ModelTimeoutException', 'timed out', { status: 504, code: 'timeout' }],
    [
      'too much',
      429,
      'ThrottlingException',
      'Too many requests, please wait before trying again.',
      { status: 429, type: 'requests', code: 'rate_limit_exceeded' },
    ],
    [
      'too many tokens',
      429,
      'ThrottlingException',
      'Too many tokens, please wait before trying again.',
      { status: 429, type: 'tokens' },
    ],
    ['not ready', 429, 'ModelNotReadyException', 'Model is not ready.', { status: 503 }],
    [
      'a quota',
      400,
      'ServiceQuotaExceededException',
      'You have reached your quota.',
      { status: 429, code: 'insufficient_quota' },
    ],
    ['a conflict', 400, 'ConflictException', 'Conflict.', { status: 409 }],
    ['a broken model', 424, 'ModelErrorException', 'Model broke.', { status: 502 }],
    ['an internal error', 500, 'InternalServerException', 'Sorry.', { status: 500 }],
    ['no capacity', 503, 'ServiceUnavailableException', 'Busy.', { status: 503 }],
    [
      'a signature with holes',
      400,
      'IncompleteSignatureException',
      'Authorization header requires more.',
      { status: 502, code: 'upstream_authentication' },
    ],
    [
      'models that may not be had there',
      403,
      'AccessDeniedException',
      'Access to Anthropic models is not allowed from unsupported countries, regions, or territories.',
      { status: 403, type: 'permission_error' },
    ],
    [
      'a model that is gone',
      400,
      'ValidationException',
      'Could not resolve the foundation model from the provided model identifier.',
      { status: 404, code: 'model_not_found' },
    ],
    ['a name nobody knows', 400, 'constructor', 'Strange.', { status: 400 }],
  ])('%s', (_what, status, type, message, told) => {
    const error = failed(status, type, message);
    expect(error).toMatchObject({ ...told, upstreamStatus: status, extra: { upstream_request_id: 'r-1' } });
    expect(error.message).not.toMatch(/123456789012|arn:aws/);
  });

  it("goes by the model's own status where that says more", () => {
    const original = (originalStatusCode: unknown) =>
      failed(424, 'ModelStreamErrorException', 'x', { originalStatusCode });
    expect([original(429), original(503), original(400), original('x')].map(({ status }) => status)).toEqual([
      429, 503, 502, 502,
    ]);
  });

  it('knows the name of the failure in the body, and a message with a capital', () => {
    const body = JSON.stringify({ __type: 'com.amazon.coral#ThrottlingException', Message: 'Slow down' });
    expect(converseFailure({ status: 429, headers: {}, body })).toMatchObject({ status: 429, message: 'Slow down' });
    expect(converseFailure({ status: 502, headers: {}, body: '<h1>Bad gateway</h1>' })).toMatchObject({
      status: 502,
      message: 'Bad gateway',
    });
  });

  it('tells credentials that have run out from those that never held', () => {
    const expired = 'The security token included in the request is expired';
    expect(failed(403, 'ExpiredTokenException', expired)).toBeInstanceOf(ExpiredCredentialError);
    expect(failed(403, '', expired)).toMatchObject({ status: 502, code: 'upstream_authentication' });
    expect(failed(403, '', expired)).toBeInstanceOf(ExpiredCredentialError);
    expect(failed(403, 'UnrecognizedClientException', 'invalid')).not.toBeInstanceOf(ExpiredCredentialError);
  });

  it('tells signatures of thinking that no longer fit', () => {
    const stale = failed(400, 'ValidationException', 'messages.1.content.0: Invalid `signature` in `thinking` block');
    expect(stale).toBeInstanceOf(StaleTurnStateError);
    expect(failed(400, 'ValidationException', 'The signature of the function is unknown')).not.toBeInstanceOf(
      StaleTurnStateError,
    );
  });

  it.each([
    ['throttlingException', { message: 'x' }, 429],
    ['validationException', { message: 'x' }, 400],
    ['internalServerException', { message: 'x' }, 500],
    ['serviceUnavailableException', { message: 'x' }, 503],
    ['modelStreamErrorException', { message: 'x', originalStatusCode: 429 }, 429],
    ['modelStreamErrorException', { originalMessage: 'why' }, 502],
    ['accessDeniedException', { message: 'User is not authorized to perform: bedrock:InvokeModel' }, 502],
    ['newException', {}, 502],
  ])('%s in a stream', (type, data, status) => {
    expect(streamFailure({ kind: 'exception', type, data })).toMatchObject({ status });
  });

  it('reads errors of the transport', () => {
    expect(streamFailure({ kind: 'error', code: 'InternalError', message: 'broken' })).toMatchObject({
      status: 502,
      message: 'broken',
    });
  });
});
