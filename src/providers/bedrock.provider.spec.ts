import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstValueFrom, lastValueFrom, Observable, of, throwError, toArray } from 'rxjs';
import type { Config } from '../config/config.js';
import { loadConfig } from '../config/load-config.js';
import type { ChatCompletion, ChatRequest } from '../domain/chat.js';
import type { ChatFrame } from '../domain/chat-frame.js';
import { UpstreamError } from '../domain/errors.js';
import { Secret } from '../domain/secret.js';
import { ExpiredCredentialError } from '../protocols/bedrock-converse/failure.js';
import type { WireCall } from '../transport/http-transport.js';
import { bedrockUrl, regionOf } from './bedrock-address.js';
import { AwsCredentials } from './bedrock-credentials.js';
import { BedrockProvider } from './bedrock.provider.js';
import type { Speech } from './protocol-chat.js';
import type { ChatOperation, UpstreamCall } from './provider.js';
import { PROVIDER_TYPES } from './provider-types.js';
import { RenewingChat } from './renewing-chat.js';
import type { Upstreams } from './upstreams.js';

const US = 'https://bedrock-runtime.us-east-1.amazonaws.com';

interface Given {
  readonly key?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly baseUrl?: string;
}

const callOf = ({ key, settings = {}, headers = {}, baseUrl = US }: Given): UpstreamCall =>
  ({
    credential: key === undefined ? undefined : new Secret(key),
    deployment: { model: 'm', endpoint: { type: 'bedrock', baseUrl, settings, headers, credentials: [] } },
  }) as unknown as UpstreamCall;

/** How the provider speaks, without anybody to speak to. */
function speech(): Required<Speech> {
  let heard: Speech | undefined;
  const upstreams = {
    chat: (given: Speech) => {
      heard = given;
      return {};
    },
  };
  expect(new BedrockProvider(upstreams as unknown as Upstreams).baseUrl).toContain('{region}');
  return heard as Required<Speech>;
}

function outgoing(call: UpstreamCall): WireCall {
  const { url, headers } = speech().address(call, '/model/m/converse', {});
  return { url, headers, body: '{}', connectTimeout: 1 };
}

const OWN = { accessKeyId: 'AKID', secretAccessKey: new Secret('own-secret'), sessionToken: new Secret('own-token') };

describe('Bedrock', () => {
  it.each([
    ['us-east-1', 'amazonaws.com'],
    ['us-gov-west-1', 'amazonaws.com'],
    ['cn-north-1', 'amazonaws.com.cn'],
    ['eusc-de-east-1', 'amazonaws.eu'],
    ['us-iso-east-1', 'c2s.ic.gov'],
  ])('is at home in %s', (region, domain) => {
    const url = bedrockUrl(`https://bedrock-runtime.${region}.amazonaws.com`, '/model/m/converse');
    expect(url).toBe(`https://bedrock-runtime.${region}.${domain}/model/m/converse`);
  });

  it.each([
    ['the setting', { settings: { region: 'eu-west-1' } }, 'eu-west-1'],
    ['the host', {}, 'us-east-1'],
    [
      'an endpoint of one’s own',
      { baseUrl: 'https://vpce-1.bedrock-runtime.eu-north-1.vpce.amazonaws.com' },
      'eu-north-1',
    ],
    ['nowhere', { baseUrl: 'http://127.0.0.1:1' }, undefined],
  ])('signs for the region of %s', (_where, given, region) => {
    expect(regionOf(callOf(given))).toBe(region);
  });

  it('fetches what is on the web, and leaves S3 to Bedrock', () => {
    const urls = ['https://a.example/x.png', 'HTTP://a.example', 's3://bucket/x.png', 'data:image/png;base64,AA'];
    expect(urls.map((url) => speech().mustFetch(url))).toEqual([true, true, false, false]);
  });

  it('signs nothing where a key speaks for itself', async () => {
    const call = callOf({ key: 'bedrock-key', settings: OWN });
    expect(outgoing(call).headers).toEqual({ authorization: 'Bearer bedrock-key' });
    expect(await speech().authorize(call, outgoing(call))).toEqual({});
    const own = callOf({ headers: { authorization: 'Custom x' } });
    expect(await speech().authorize(own, outgoing(own))).toEqual({});
  });

  it('signs with the keys of the config', async () => {
    const call = callOf({ settings: { ...OWN, region: 'eu-west-1' } });
    expect(await speech().authorize(call, outgoing(call))).toEqual({
      authorization: expect.stringMatching(
        /^AWS4-HMAC-SHA256 Credential=AKID\/\d{8}\/eu-west-1\/bedrock\/aws4_request, /,
      ),
      'content-type': 'application/json',
      'x-amz-date': expect.stringMatching(/^\d{8}T\d{6}Z$/),
      'x-amz-security-token': 'own-token',
    });
  });

  it.each([
    ['no region', { settings: OWN, baseUrl: 'http://127.0.0.1:1' }],
    ['half of a pair of keys', { settings: { accessKeyId: 'AKID' } }],
  ])('says that there is %s', async (_what, given) => {
    const call = callOf(given);
    await expect(speech().authorize(call, outgoing(call))).rejects.toMatchObject({
      status: 502,
      code: 'upstream_authentication',
    });
  });
});

describe('Bedrock in the config', () => {
  let cwd: string;
  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), 'bedrock-'));
  });
  afterEach(() => rmSync(cwd, { recursive: true }));

  function config(env: Readonly<Record<string, string>>, yaml?: string): Config {
    if (yaml !== undefined) writeFileSync(join(cwd, 'parley.yaml'), yaml);
    return loadConfig({ types: PROVIDER_TYPES, env, cwd });
  }

  it('is there for a key of its own and a region, and for nothing else that lies around', () => {
    const names = (env: Readonly<Record<string, string>>) => config(env).providers.map(({ name }) => name);
    expect(names({ AWS_BEARER_TOKEN_BEDROCK: 'k', AWS_DEFAULT_REGION: 'us-east-1' })).toEqual(['bedrock']);
    expect(names({ AWS_BEARER_TOKEN_BEDROCK: 'k' })).toEqual([]);
    expect(names({ AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 's', AWS_REGION: 'us-east-1' })).toEqual([]);
  });

  it('needs no key, and shows none', () => {
    expect(config({}, 'providers: { bedrock: { region: eu-west-1 } }').providers[0]).toMatchObject({
      apiKeys: [],
      settings: { region: 'eu-west-1' },
    });
    const yaml =
      'providers: { bedrock: { region: eu-west-1, accessKeyId: AKID, secretAccessKey: hidden, sessionToken: hidden } }';
    const read = config({}, yaml);
    expect(read.providers[0]?.settings).toMatchObject({ accessKeyId: 'AKID', secretAccessKey: expect.any(Secret) });
    expect(JSON.stringify(read)).not.toContain('hidden');
  });

  it('needs a region', () => {
    expect(() => config({}, 'providers: { bedrock: {} }')).toThrow(/region.*AWS_REGION/);
  });
});

describe('AWS credentials', () => {
  const found = { accessKeyId: 'FOUND', secretAccessKey: 's' };

  it('are searched for once by profile and region, and again after they have run out', async () => {
    const searches: unknown[] = [];
    const credentials = new AwsCredentials((search) => {
      searches.push(search);
      return Promise.resolve(() => Promise.resolve(found));
    });
    const [plain, work] = [callOf({}), callOf({ settings: { profile: 'work', region: 'cn-north-1' } })];
    const [first, second] = [
      { profile: undefined, region: 'us-east-1' },
      { profile: 'work', region: 'cn-north-1' },
    ];
    expect(await credentials.identity(plain)).toEqual(found);
    await credentials.identity(plain);
    await credentials.identity(work);
    expect(searches).toEqual([first, second]);
    expect(credentials.renew(plain)).toBe(true);
    await credentials.identity(plain);
    await credentials.identity(work);
    expect(searches).toEqual([first, second, first]);
  });

  it('of the config stand alone', async () => {
    const { sessionToken: _token, ...pair } = OWN;
    const credentials = new AwsCredentials(() => Promise.reject(new Error('not asked')));
    const call = callOf({ settings: pair });
    expect(await credentials.identity(call)).toEqual({ accessKeyId: 'AKID', secretAccessKey: 'own-secret' });
    expect(credentials.renew(call)).toBe(false);
  });

  it('that are nowhere are a fault of the gateway, and looked for again next time', async () => {
    let searches = 0;
    const credentials = new AwsCredentials(() => {
      searches += 1;
      return searches === 1 ? Promise.reject(new Error('no')) : Promise.resolve(() => Promise.resolve(found));
    });
    await expect(credentials.identity(callOf({}))).rejects.toMatchObject({
      status: 502,
      code: 'upstream_authentication',
    });
    expect(await credentials.identity(callOf({}))).toEqual(found);
  });
});

describe('chat with credentials that run out', () => {
  const expired = new ExpiredCredentialError('old', { status: 502 });
  const isExpired = (error: unknown) => error instanceof ExpiredCredentialError;
  const frame = { bytes: Buffer.from('x'), usage: undefined, said: 1 };
  const request = { model: 'm', messages: [] } satisfies ChatRequest;

  /** Chat that answers by these outcomes, one a call. */
  function chat(...outcomes: readonly (Error | 'ok')[]): ChatOperation & { calls: number } {
    const next = { calls: 0 };
    const outcome = () => outcomes[next.calls++] ?? 'ok';
    return Object.assign(next, {
      complete: () => {
        const result = outcome();
        return result === 'ok' ? Promise.resolve({ id: 'c' } as ChatCompletion) : Promise.reject(result);
      },
      stream: () =>
        new Observable<ChatFrame>((frames) => {
          const result = outcome();
          return (result === 'ok' ? of(frame) : throwError(() => result)).subscribe(frames);
        }),
    });
  }

  it('asks once more with fresh ones', async () => {
    const [whole, streamed] = [chat(expired), chat(expired)];
    const renewal = { isExpired, renew: () => true };
    expect(await new RenewingChat(whole, renewal).complete(request, callOf({}))).toEqual({ id: 'c' });
    expect(
      await lastValueFrom(new RenewingChat(streamed, renewal).stream(request, callOf({})).pipe(toArray())),
    ).toEqual([frame]);
    expect([whole.calls, streamed.calls]).toEqual([2, 2]);
  });

  it.each<[what: string, outcomes: readonly Error[], call: Given, renews: boolean, calls: number]>([
    ['that are old again', [expired, expired], {}, true, 2],
    ['that cannot be renewed', [expired], {}, false, 1],
    ['that are a key', [expired], { key: 'k' }, true, 1],
    ['that were refused for something else', [new UpstreamError('no')], {}, true, 1],
  ])('gives up on those %s', async (_what, outcomes, given, renews, calls) => {
    const renewal = { isExpired, renew: () => renews };
    const [whole, streamed] = [chat(...outcomes), chat(...outcomes)];
    await expect(new RenewingChat(whole, renewal).complete(request, callOf(given))).rejects.toBe(outcomes.at(-1));
    await expect(firstValueFrom(new RenewingChat(streamed, renewal).stream(request, callOf(given)))).rejects.toBe(
      outcomes.at(-1),
    );
    expect([whole.calls, streamed.calls]).toEqual([calls, calls]);
  });
});
