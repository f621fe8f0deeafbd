import { jest } from '@jest/globals';
import {
  Catch,
  Controller,
  Get,
  Logger,
  Module,
  type ArgumentsHost,
  type DynamicModule,
  type ExceptionFilter,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Request, Response } from 'express';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { request as httpRequest, type OutgoingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AccessModule } from '../src/access/access.module.js';
import { ApiKeyGuard } from '../src/access/api-key.guard.js';
import { FirstKey } from '../src/access/first-key.js';
import { Public } from '../src/access/public.decorator.js';
import type { Config } from '../src/config/config.js';
import { LiveConfig } from '../src/config/live-config.js';
import { errorBody, GatewayError } from '../src/domain/errors.js';
import { RequestContext } from '../src/domain/request-context.js';
import { Secret } from '../src/domain/secret.js';
import { BodyPipe } from '../src/http/body.pipe.js';
import { attachContext, Context } from '../src/http/context.js';
import { StorageModule } from '../src/storage/storage.module.js';

const ADMIN = 'admin-key-of-the-test';
const STATIC = 'My Static Key';

@Controller()
class EchoController {
  @Get('who')
  who(@Context() { principal }: RequestContext) {
    return { keyId: principal?.keyId, name: principal?.name };
  }

  @Public()
  @Get('open')
  open(@Context() { principal }: RequestContext) {
    return { anonymous: principal === undefined };
  }
}

@Catch(GatewayError)
class EnvelopeFilter implements ExceptionFilter<GatewayError> {
  catch(error: GatewayError, host: ArgumentsHost): void {
    host.switchToHttp().getResponse<Response>().status(error.status).json(errorBody(error));
  }
}

@Module({})
class ConfigStandIn {
  static with(config: Config): DynamicModule {
    const live = { provide: LiveConfig, useFactory: () => new LiveConfig(config) };
    return { module: ConfigStandIn, global: true, providers: [live], exports: [LiveConfig] };
  }
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly json: Record<string, unknown>;
  /** The members of the error object; empty where there is none. */
  readonly error: Readonly<Record<string, unknown>>;
}

/** The modules under test behind real HTTP, with a database of their own under `dataDir`. */
class Gateway {
  private constructor(
    readonly app: NestExpressApplication,
    readonly dataDir: string,
  ) {}

  static async start(changes: Partial<Config> = {}): Promise<Gateway> {
    const dataDir = await mkdtemp(join(tmpdir(), 'parley-access-'));
    const config = {
      database: {},
      redis: {},
      dataDir,
      adminKey: new Secret(ADMIN),
      keys: [],
      teams: [],
      ...changes,
    } as unknown as Config;
    const module = await Test.createTestingModule({
      imports: [ConfigStandIn.with(config), StorageModule.forRoot(config), AccessModule],
      controllers: [EchoController],
      providers: [
        { provide: APP_GUARD, useExisting: ApiKeyGuard },
        { provide: APP_PIPE, useClass: BodyPipe },
        { provide: APP_FILTER, useClass: EnvelopeFilter },
      ],
    }).compile();
    const app = module.createNestApplication<NestExpressApplication>();
    app.use((request: Request, _: Response, next: () => void) => {
      attachContext(request, new RequestContext('req_1', 0, 0, { strict: false, tags: [] }));
      next();
    });
    await app.listen(0, '127.0.0.1');
    return new Gateway(app, dataDir);
  }

  async stop(): Promise<void> {
    await this.app.close();
    await rm(this.dataDir, { recursive: true, force: true });
  }

  /** `headers` as pairs: node:http then sends each as it stands, repeated ones too. */
  call(path: string, headers: readonly string[] = [], method = 'GET', body?: unknown): Promise<Answer> {
    const { port } = this.app.getHttpServer().address() as AddressInfo;
    const payload = body === undefined ? [] : ['content-type', 'application/json'];
    const host = ['host', `127.0.0.1:${port}`, ...payload, ...headers] as unknown as OutgoingHttpHeaders;
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest({ port, host: '127.0.0.1', path, method, headers: host }, (incoming) => {
        const pieces: Buffer[] = [];
        incoming.on('data', (piece: Buffer) => pieces.push(piece));
        incoming.on('end', () => {
          resolve(answerOf(incoming.statusCode ?? 0, Buffer.concat(pieces).toString()));
        });
      });
      outgoing.on('error', reject);
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  admin(method: string, path: string, body?: unknown): Promise<Answer> {
    return this.call(path, ['authorization', `Bearer ${ADMIN}`], method, body);
  }

  async newKey(fields: Record<string, unknown> = {}): Promise<{ readonly id: string; readonly key: string }> {
    const { json } = await this.admin('POST', '/admin/keys', { name: 'made', ...fields });
    return { id: String(json['id']), key: String(json['key']) };
  }
}

function answerOf(status: number, text: string): Answer {
  const json = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {};
  return { status, text, json, error: (json['error'] ?? {}) as Record<string, unknown> };
}

describe('access', () => {
  let gateway: Gateway;
  let key: string;
  let id: string;

  beforeAll(async () => {
    gateway = await Gateway.start({
      keys: [{ name: 'static', key: new Secret(STATIC), tags: [], models: null, allowedIps: null }],
    });
    ({ key, id } = await gateway.newKey());
  });
  afterAll(() => gateway.stop());

  describe('a key opens the API', () => {
    const K = '<key>';
    it.each<[string, readonly string[]]>([
      ['as bearer', ['Authorization', `Bearer ${K}`]],
      ['with a scheme in other letters', ['authorization', `bEARER ${K}`]],
      ['with spaces around', ['authorization', `  Bearer    ${K}   `]],
      ['as x-api-key', ['x-api-key', K]],
      ['as api-key', ['api-key', ` ${K} `]],
      ['beside credentials for something else', ['authorization', 'Basic dXNlcjpwYXNz', 'x-api-key', K]],
      ['beside an empty bearer', ['authorization', 'Bearer ', 'api-key', K]],
      ['before a second one that is not looked at', ['authorization', `Bearer ${K}`, 'x-api-key', 'nonsense']],
      ['before a repetition that HTTP forbids', ['authorization', `Bearer ${K}`, 'authorization', 'Bearer nonsense']],
    ])('%s', async (_, headers) => {
      const answer = await gateway.call(
        '/who',
        headers.map((value) => value.replace(K, key)),
      );
      expect(answer).toMatchObject({ status: 200, json: { keyId: id, name: 'made' } });
    });

    it('of the config, spaces and all', async () => {
      const answer = await gateway.call('/who', ['authorization', `Bearer ${STATIC}`]);
      expect(answer).toMatchObject({ status: 200, json: { keyId: 'key_config_static', name: 'static' } });
    });
  });

  it('asks nothing where a route is public, not even with a wrong key', async () => {
    for (const headers of [[], ['authorization', 'Bearer nonsense']]) {
      expect(await gateway.call('/open', headers)).toMatchObject({ status: 200, json: { anonymous: true } });
    }
  });

  describe('refuses', () => {
    it.each<[string, readonly string[]]>([
      ['nothing', []],
      ['an empty header', ['authorization', '']],
      ['a scheme alone', ['authorization', 'Bearer']],
      ['a scheme and spaces', ['authorization', 'Bearer     ']],
      ['another scheme', ['authorization', 'Basic dXNlcjpwYXNz']],
      ['a key without its scheme', ['authorization', 'sk-parley-abc']],
      ['blank key headers', ['x-api-key', '  ', 'api-key', '']],
    ])('%s, as no key at all', async (_, headers) => {
      const { status, error } = await gateway.call('/who', headers);
      expect({ status, error }).toEqual({
        status: 401,
        error: {
          message: expect.stringMatching(/^You didn't provide an API key/),
          type: 'invalid_request_error',
          param: null,
          code: null,
        },
      });
    });

    const OWN = 'sk-parley-' + 'x'.repeat(43);
    it.each<[string, readonly string[], string]>([
      ['a key nobody has', ['authorization', `Bearer ${OWN}`], OWN],
      ['a foreign key', ['x-api-key', 'sk-proj-1234567890'], 'sk-proj-1234567890'],
      ['a very long one', ['api-key', 'sk-parley-' + 'y'.repeat(12_000)], 'yyyyyyyyyy'],
      ['letters beyond ASCII', ['authorization', 'Bearer cl\u00e9-\u00ff\u00fe'], 'cl\u00e9'],
      ['what looks like code', ['authorization', "Bearer ' or 1=1; --"], 'or 1=1'],
      ['names of the prototype', ['authorization', 'Bearer __proto__'], '__proto__'],
      ['a repeated key header, which HTTP joins', ['x-api-key', OWN, 'x-api-key', OWN], OWN],
      ['a key with a letter more', ['authorization', `Bearer ${OWN}0`], OWN],
    ])('%s, without repeating it', async (_, headers, secret) => {
      const { status, error, text } = await gateway.call('/who', headers);
      expect({ status, error }).toMatchObject({
        status: 401,
        error: { message: expect.stringMatching(/^Incorrect API key provided/), code: 'invalid_api_key', param: null },
      });
      expect(text).not.toContain(secret);
    });

    it.each([
      ['an expired key', { expires_at: '2020-01-01T00:00:00Z' }, /expired/, 'invalid_api_key'],
      ['a disabled key', { disabled: true }, /disabled/, 'invalid_api_key'],
      ['a key used from elsewhere', { allowed_ips: ['10.0.0.0/8', '::1'] }, /IP address/, 'ip_not_authorized'],
    ])('%s', async (_, fields, message, code) => {
      const made = await gateway.newKey(fields);
      expect(await gateway.call('/who', ['x-api-key', made.key])).toMatchObject({
        status: 401,
        error: { message: expect.stringMatching(message), type: 'invalid_request_error', code, param: null },
      });
    });

    it('not a key from where it may be used, nor one that expires tomorrow', async () => {
      const made = await gateway.newKey({
        allowed_ips: ['127.0.0.0/8'],
        expires_at: new Date(Date.now() + 86_400_000).toISOString(),
      });
      expect((await gateway.call('/who', ['x-api-key', made.key])).status).toBe(200);
    });
  });

  describe('the admin key', () => {
    it.each<[string, string, readonly string[], number, RegExp]>([
      ['no key on an admin route', '/admin/keys', [], 401, /^You didn't provide/],
      ['a virtual key on an admin route', '/admin/keys', ['authorization', 'Bearer <key>'], 401, /admin key alone/],
      ['a static key on an admin route', '/admin/keys', ['authorization', `Bearer ${STATIC}`], 401, /admin key alone/],
      [
        'a prefix of the admin key',
        '/admin/keys',
        ['authorization', `Bearer ${ADMIN.slice(0, -1)}`],
        401,
        /admin key alone/,
      ],
      ['the admin key and more', '/admin/keys', ['authorization', `Bearer ${ADMIN}!`], 401, /admin key alone/],
      [
        'the admin key on another route',
        '/who',
        ['authorization', `Bearer ${ADMIN}`],
        401,
        /opens \/admin and nothing else/,
      ],
    ])('%s', async (_, path, headers, expected, message) => {
      const { status, error, text } = await gateway.call(
        path,
        headers.map((value) => value.replace('<key>', key)),
      );
      expect(status).toBe(expected);
      expect(error['message']).toMatch(message);
      expect(text).not.toContain(ADMIN);
    });

    it.each(['authorization', 'x-api-key', 'api-key'])('opens the admin API as %s', async (header) => {
      const value = header === 'authorization' ? `Bearer ${ADMIN}` : ADMIN;
      expect((await gateway.call('/admin/keys', [header, value])).status).toBe(200);
    });

    it('that is not set closes the admin API, and the answer says how to open it', async () => {
      const closed = await Gateway.start({ adminKey: undefined } as unknown as Partial<Config>);
      for (const headers of [[], ['authorization', 'Bearer undefined']]) {
        const { status, error } = await closed.call('/admin/keys', headers);
        expect(status).toBe(403);
        expect(error['message']).toMatch(/PARLEY_ADMIN_KEY \(16 characters or more\)/);
      }
      await closed.stop();
    });
  });

  describe('/admin/keys', () => {
    const FULL = {
      name: 'Büro 7',
      owner: 'team-a',
      tags: ['x', 'y'],
      models: ['gpt-*', 'claude-3'],
      allowed_ips: ['10.1.2.3', '2001:db8::/32'],
      rpm: 60,
      tpm: 100_000,
      concurrency: 2,
      budget: { usd: 0.5, per: 'week' },
      expires_at: '2099-12-31T23:59:59.000Z',
      disabled: false,
    };

    it('makes a key, shows it once, lists it first, and deletes it at once', async () => {
      const made = await gateway.admin('POST', '/admin/keys', FULL);
      expect(made.status).toBe(201);
      const { key: plaintext, ...view } = made.json;
      expect(plaintext).toMatch(/^sk-parley-[0-9A-Za-z]{43}$/);
      expect(view).toEqual({
        id: expect.stringMatching(/^key_[0-9a-f]{24}$/),
        key_prefix: String(plaintext).slice(0, 14),
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        ...FULL,
      });

      const one = `/admin/keys/${String(view['id'])}`;
      expect((await gateway.admin('GET', one)).json).toEqual(view);
      const list = await gateway.admin('GET', '/admin/keys?limit=1');
      expect(list.json).toEqual({ object: 'list', data: [view], has_more: true, next_cursor: expect.any(String) });
      const rest = await gateway.admin('GET', `/admin/keys?limit=500&cursor=${String(list.json['next_cursor'])}`);
      expect(rest.json).toMatchObject({ has_more: false, next_cursor: null });
      expect(rest.text).not.toContain(String(view['id']));

      const free = await gateway.newKey();
      expect((await gateway.call('/who', ['x-api-key', free.key])).status).toBe(200);
      expect((await gateway.admin('DELETE', `/admin/keys/${free.id}`)).json).toEqual({
        id: free.id,
        object: 'key',
        deleted: true,
      });
      expect((await gateway.call('/who', ['x-api-key', free.key])).status).toBe(401);
      expect((await gateway.admin('DELETE', `/admin/keys/${free.id}`)).status).toBe(404);
      expect((await gateway.admin('GET', `/admin/keys/${free.id}`)).status).toBe(404);
    });

    it('takes null for absence', async () => {
      const nothing = Object.fromEntries(Object.keys(FULL).map((field) => [field, null]));
      const { status, json } = await gateway.admin('POST', '/admin/keys', { ...nothing, name: 'bare' });
      expect(status).toBe(201);
      expect(json).toMatchObject({
        owner: null,
        tags: [],
        models: null,
        budget: null,
        expires_at: null,
        disabled: false,
      });
    });

    it.each<[unknown, string]>([
      [{}, 'name'],
      [[], 'name'],
      [{ name: null }, 'name'],
      [{ name: '  ' }, 'name'],
      [{ name: 7 }, 'name'],
      [{ name: 'n'.repeat(201) }, 'name'],
      [{ name: 'n', owner: 1 }, 'owner'],
      [{ name: 'n', tags: 'a' }, 'tags'],
      [{ name: 'n', tags: [1] }, 'tags'],
      [{ name: 'n', models: [] }, 'models'],
      [{ name: 'n', models: { length: 1 } }, 'models'],
      [{ name: 'n', allowed_ips: [] }, 'allowed_ips'],
      [{ name: 'n', allowed_ips: ['10.0.0.1', '10.0.0.0/33'] }, 'allowed_ips[1]'],
      [{ name: 'n', allowed_ips: ['localhost'] }, 'allowed_ips[0]'],
      [{ name: 'n', rpm: 0 }, 'rpm'],
      [{ name: 'n', rpm: '60' }, 'rpm'],
      [{ name: 'n', tpm: 1.5 }, 'tpm'],
      [{ name: 'n', concurrency: 1e300 }, 'concurrency'],
      [{ name: 'n', budget: 5 }, 'budget'],
      [{ name: 'n', budget: { usd: -1, per: 'day' } }, 'budget.usd'],
      [{ name: 'n', budget: { usd: '5', per: 'day' } }, 'budget.usd'],
      [{ name: 'n', budget: { usd: 5, per: 'year' } }, 'budget.per'],
      [{ name: 'n', budget: { usd: 5, per: 'day', eur: 1 } }, 'budget.eur'],
      [{ name: 'n', expires_at: 'soon' }, 'expires_at'],
      [{ name: 'n', expires_at: 1_900_000_000 }, 'expires_at'],
      [{ name: 'n', expires_at: '2027-02-30T00:00:00Z' }, 'expires_at'],
      [{ name: 'n', disabled: 'no' }, 'disabled'],
      [{ name: 'n', rmp: 60 }, 'rmp'],
      [{ name: 'n', constructor: {} }, 'constructor'],
    ])('refuses %j', async (body, param) => {
      const { status, error } = await gateway.admin('POST', '/admin/keys', body);
      expect({ status, param: error['param'] }).toEqual({ status: 400, param });
    });

    it.each([
      ['limit=0', 'limit'],
      ['limit=501', 'limit'],
      ['limit=ten', 'limit'],
      ['limit=1&limit=2', 'limit'],
      ['cursor=nonsense', 'cursor'],
      ['cursor=', 'cursor'],
      ['cursor=a&cursor=b', 'cursor'],
    ])('refuses the page ?%s', async (query, param) => {
      const { status, error } = await gateway.admin('GET', `/admin/keys?${query}`);
      expect({ status, param: error['param'] }).toEqual({ status: 400, param });
    });

    it.each([
      ['PUT', '/admin/keys', 405],
      ['PUT', '/admin/keys/key_1', 405],
      ['GET', '/admin/keys/key_1/rotate', 405],
      ['GET', '/admin/keys/%00', 404],
      ['GET', `/admin/keys/${'k'.repeat(300)}`, 404],
    ])('answers %s %s with %i', async (method, path, status) => {
      expect((await gateway.admin(method, path)).status).toBe(status);
    });
  });

  it('keeps nothing of a key but its hash and its start', async () => {
    const { key: fresh } = await gateway.newKey({ name: 'to be found by its name' });
    const files = await readdir(gateway.dataDir);
    const bytes = Buffer.concat(await Promise.all(files.map((file) => readFile(join(gateway.dataDir, file)))));
    expect(bytes.includes('to be found by its name')).toBe(true);
    expect(bytes.includes(fresh.slice(0, 14))).toBe(true);
    for (const part of [fresh, fresh.slice(14), fresh.slice(0, 24), ADMIN, STATIC])
      expect(bytes.includes(part)).toBe(false);
  });

  it('makes a first key where there is none, and then no more', async () => {
    const warned = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    expect(await gateway.app.get(FirstKey).ensure()).toBeUndefined();

    const empty = await Gateway.start();
    const first = await empty.app.get(FirstKey).ensure();
    expect(await empty.call('/who', ['authorization', `Bearer ${String(first)}`])).toMatchObject({
      status: 200,
      json: { name: 'default' },
    });
    expect(await empty.app.get(FirstKey).ensure()).toBeUndefined();
    await empty.stop();
    expect(await empty.app.get(FirstKey).ensure()).toBeUndefined();
    expect(warned).toHaveBeenCalledTimes(1);
    warned.mockRestore();
  });
});
