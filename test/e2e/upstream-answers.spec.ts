import { CREDENTIAL, startLab, type Lab } from '../support/lab.js';
import { answerWith, type Script } from '../support/upstream.js';

let lab: Lab;

beforeAll(async () => {
  lab = await startLab();
});

afterAll(() => lab.close());

type Expected = [status: number, type: string, code: string | null, headers?: Record<string, string>];
const failure = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  answerWith(body, { status, headers });
const said = (message: string, more: object = {}) => ({ error: { message, type: 'x', code: null, ...more } });
const INVALID = 'invalid_request_error';
const SERVER = 'server_error';
const FINAL = { 'x-should-retry': 'false' };

const FAILURES: [string, Script, ...Expected][] = [
  [
    '401',
    failure(401, said(`Incorrect API key provided: ${CREDENTIAL}`)),
    502,
    SERVER,
    'upstream_authentication',
    FINAL,
  ],
  ['403', failure(403, said('Not allowed')), 502, SERVER, 'upstream_authentication', FINAL],
  ['402', failure(402, said('Pay')), 429, 'insufficient_quota', 'insufficient_quota', FINAL],
  ['404', failure(404, said('The model does not exist')), 404, INVALID, 'model_not_found', FINAL],
  ['422', failure(422, { detail: [{ loc: ['body'], msg: 'bad' }] }), 400, INVALID, null, FINAL],
  [
    '429',
    failure(429, said('Slow down'), { 'retry-after': '7' }),
    429,
    'requests',
    'rate_limit_exceeded',
    { 'retry-after': '7', 'retry-after-ms': '7000', 'x-should-retry': 'true' },
  ],
  [
    '429 in ms',
    failure(429, said('Slow down'), { 'retry-after-ms': '1500', 'retry-after': '2' }),
    429,
    'requests',
    'rate_limit_exceeded',
    { 'retry-after': '2', 'retry-after-ms': '1500' },
  ],
  [
    '429 in words',
    failure(429, said('Try again in 1.5s', { type: 'tokens' })),
    429,
    'tokens',
    'rate_limit_exceeded',
    { 'retry-after-ms': '1500', 'x-should-retry': 'true' },
  ],
  [
    '429 for an hour',
    failure(429, said('Slow down'), { 'retry-after': '3600' }),
    429,
    'requests',
    'rate_limit_exceeded',
    { ...FINAL, 'retry-after': '3600' },
  ],
  [
    '429 of a quota',
    failure(429, said('x', { code: 'insufficient_quota' }), { 'retry-after': '1' }),
    429,
    'insufficient_quota',
    'insufficient_quota',
    FINAL,
  ],
  ['500', failure(500, said('Oops')), 500, SERVER, 'upstream_error', FINAL],
  [
    '503',
    failure(503, said('Loading'), { 'retry-after': '3' }),
    503,
    'service_unavailable_error',
    'server_is_overloaded',
    { 'x-should-retry': 'true', 'retry-after': '3' },
  ],
  [
    'a long prompt',
    failure(400, said("This model's maximum context length is 8 tokens.")),
    400,
    INVALID,
    'context_length_exceeded',
    FINAL,
  ],
  ['the same as 413', failure(413, said('prompt is too long')), 400, INVALID, 'context_length_exceeded', FINAL],
  [
    'a page of HTML',
    failure(502, '<html><style>x{}</style><h1>Bad Gateway</h1></html>', { 'content-type': 'text/html' }),
    502,
    SERVER,
    'upstream_error',
    FINAL,
  ],
  ['nothing', failure(500, ''), 500, SERVER, 'upstream_error', FINAL],
  ['a redirect', failure(302, '', { location: '/elsewhere' }), 502, SERVER, 'upstream_error', FINAL],
  [
    'an error in a 200',
    answerWith(said('Overloaded', { code: 503 })),
    503,
    'service_unavailable_error',
    'server_is_overloaded',
    FINAL,
  ],
  ['HTML in a 200', answerWith('<html>Login</html>'), 502, SERVER, 'invalid_upstream_answer', FINAL],
  [
    'an empty 200',
    answerWith(''),
    502,
    SERVER,
    expect.stringMatching(/^(invalid_upstream_answer|stream_truncated)$/),
    FINAL,
  ],
  ['a 200 without a choice', answerWith({ id: 'x', choices: [] }), 502, SERVER, 'invalid_upstream_answer', FINAL],
  ['a choice that is none', answerWith({ id: 'x', choices: [null] }), 502, SERVER, 'invalid_upstream_answer', FINAL],
  [
    'calls that are none',
    answerWith({ id: 'x', choices: [{ message: { tool_calls: [null] } }] }),
    502,
    SERVER,
    'invalid_upstream_answer',
    FINAL,
  ],
  ['our credential in its words', failure(400, said(`No ${CREDENTIAL} here`)), 400, INVALID, null, FINAL],
  ['a connection it closes', ({ response }) => void response.destroy(), 502, SERVER, 'upstream_unreachable', FINAL],
];

describe.each([false, true])('a provider that fails (stream: %s)', (streams) => {
  it.each(FAILURES)('%s', async (_, script, status, type, code, headers = {}) => {
    const answer = await lab.ask(script, { stream: streams });
    expect(answer).toMatchObject({ status, headers: { 'content-type': 'application/json', ...headers } });
    expect(JSON.parse(answer.text)).toMatchObject({ error: { message: expect.stringMatching(/\S/), type, code } });
    expect(answer.text + JSON.stringify(answer.headers)).not.toContain(CREDENTIAL);
    expect(answer.text).not.toMatch(/<html|<h1/);
    expect(lab.upstream.requests).toHaveLength(1); // a redirect is not followed: it could lead anywhere
  });
});
