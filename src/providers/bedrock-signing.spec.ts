import { awsSigner, signedHeaders, type AwsIdentity } from './bedrock-signing.js';

const EXAMPLE: AwsIdentity = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
};

/** The value of the Bedrock reference §9. */
const CALL = {
  url: 'https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse',
  body: '{"messages":[{"role":"user","content":[{"text":"hi"}]}]}',
  region: 'us-east-1',
  at: new Date('2026-01-02T03:04:05Z'),
};

describe('signing for Bedrock', () => {
  it('encodes the path once more than it is on the wire, and signs no more than it must', async () => {
    expect(await signedHeaders(EXAMPLE, CALL)).toEqual({
      authorization:
        'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/bedrock/aws4_request, ' +
        'SignedHeaders=content-type;host;x-amz-date, ' +
        'Signature=a9e2ddee7983975acfe7ec4ddc10af309020f208d27103fa23c25efb8a5133e9',
      'content-type': 'application/json',
      'x-amz-date': '20260102T030405Z',
    });
  });

  it('signs the token of temporary credentials too', async () => {
    const signed = await signedHeaders({ ...EXAMPLE, sessionToken: 'session' }, CALL);
    expect(signed['x-amz-security-token']).toBe('session');
    expect(signed['authorization']).toContain('SignedHeaders=content-type;host;x-amz-date;x-amz-security-token');
  });

  it('signs the host with its port', async () => {
    const local = await signedHeaders(EXAMPLE, { ...CALL, url: 'http://127.0.0.1:9555/model/a/converse' });
    const other = await signedHeaders(EXAMPLE, { ...CALL, url: 'http://127.0.0.1:9556/model/a/converse' });
    expect(local['authorization']).not.toBe(other['authorization']);
  });

  // AWS's own test suite for Signature Version 4.
  it.each<
    [name: string, request: { method: string; query?: object; headers?: object; body?: string }, signature: string]
  >([
    ['get-vanilla', { method: 'GET' }, '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['post-vanilla', { method: 'POST' }, '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
    [
      'get-vanilla-query-order-key-case',
      { method: 'GET', query: { Param2: 'value2', Param1: 'value1' } },
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
    [
      'get-header-value-trim',
      { method: 'GET', headers: { 'My-Header1': ' value1', 'My-Header2': ' "a   b   c"' } },
      'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
    ],
    [
      'post-header-key-sort',
      { method: 'POST', headers: { 'My-Header1': 'value1' } },
      'c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c',
    ],
    [
      'post-x-www-form-urlencoded',
      { method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: 'Param1=value1' },
      'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
    ],
  ])('%s', async (_name, request, signature) => {
    const hostname = 'example.amazonaws.com';
    const { query, ...rest } = request;
    const headers = { ...request.headers, Host: hostname };
    const whole = { protocol: 'https:', hostname, path: '/', ...rest, headers, query: { ...query } };
    const signer = await awsSigner(EXAMPLE, { region: 'us-east-1', service: 'service' });
    const signed = await signer.sign(whole, { signingDate: new Date('2015-08-30T12:36:00Z') });
    expect(signed.headers['authorization']).toMatch(new RegExp(`Signature=${signature}$`));
  });
});
