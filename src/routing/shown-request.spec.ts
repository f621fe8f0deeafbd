import { Secret } from '../domain/secret.js';
import { secretsOf, shownRequest } from './shown-request.js';

const KEY = 'sk-0123456789';
const shown = (part: object) =>
  shownRequest({ method: 'POST', url: 'https://x.example/v1', headers: {}, body: {}, ...part }, [
    KEY,
    'none',
    'k+/=secret',
  ]);

describe('a request as it is shown', () => {
  it.each<[string, object, object]>([
    [
      'other headers',
      { headers: { accept: '*/*', 'x-note': `it is ${KEY}` } },
      { headers: { accept: '*/*', 'x-note': 'it is [secret]' } },
    ],
    [
      'what a header holds, elsewhere',
      { headers: { cookie: 'Bearer abcdefghi' }, body: { a: ['abcdefghi'] } },
      { body: { a: ['[secret]'] } },
    ],
    [
      'credentials under any name',
      { headers: { 'x-upstream': 'Bearer abcdefghi' }, url: 'https://x.example/v1?code=abcdefgh&sig=a&design=b' },
      { headers: { 'x-upstream': '[secret]' }, url: 'https://x.example/v1?code=[secret]&sig=[secret]&design=b' },
    ],
    [
      'user and password',
      { url: `https://ann:hunter2hunter2@x.example/v1`, body: 'hunter2hunter2' },
      { url: 'https://[secret]@x.example/v1', body: '[secret]' },
    ],
    [
      'keys in the query',
      { url: `https://x.example/v1?key=abcdefgh&alt=sse`, body: 'abcdefgh' },
      { url: 'https://x.example/v1?key=[secret]&alt=sse', body: '[secret]' },
    ],
    [
      'keys in a path, escaped',
      { url: 'https://x.example/k%2B%2F%3Dsecret/y' },
      { url: 'https://x.example/[secret]/y' },
    ],
    [
      'keys in bodies, names too',
      { body: { [KEY]: { a: `"${KEY}"` }, tool_choice: 'none' } },
      { body: { '[secret]': { a: '"[secret]"' }, tool_choice: 'none' } },
    ],
  ])('hides %s', (_, part, expected) => {
    expect(shown(part)).toMatchObject(expected);
  });

  it.each([
    'Authorization',
    'x-api-key',
    'api-key',
    'x-goog-api-key',
    'x-amz-security-token',
    'cookie',
    'proxy-authorization',
    'x-team-password',
  ])('hides %s, however short', (name) => {
    expect(shown({ headers: { [name]: 'abc' } }).headers).toEqual({ [name]: '[secret]' });
  });

  it('goes as deep as bodies do', () => {
    let body: unknown = KEY;
    for (let depth = 0; depth < 1_000; depth += 1) body = [body];
    expect(JSON.stringify(shown({ body }))).not.toContain(KEY);
  });

  it('takes texts as long as bodies are, whatever is in them', () => {
    const text = '"\n'.repeat(4_000_000);
    expect(shown({ body: [text] }).body).toEqual([text]);
    expect(shown({ body: [text + KEY] }).body).toEqual([`${text}[secret]`]);
  });

  it('knows the secrets of an endpoint', () => {
    const endpoint = {
      type: 't',
      baseUrl: '',
      headers: {},
      credentials: [new Secret('a')],
      settings: { secretAccessKey: 'b', region: 'c', deployments: {} },
    };
    expect(secretsOf(endpoint)).toEqual(['a', 'b']);
  });
});
