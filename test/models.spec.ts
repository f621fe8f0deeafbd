import { Catch, Module, type ArgumentsHost, type ExceptionFilter, type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { NextFunction, Request, Response } from 'express';
import OpenAI, { NotFoundError } from 'openai';
import type { AddressInfo } from 'node:net';
import { ModelCatalog } from '../src/catalog/model-catalog.js';
import { PriceBook } from '../src/catalog/price-book.js';
import type { ServedModel } from '../src/catalog/served-model.js';
import type { Config } from '../src/config/config.js';
import { LiveConfig } from '../src/config/live-config.js';
import { errorBody, GatewayError } from '../src/domain/errors.js';
import { RequestContext } from '../src/domain/request-context.js';
import { attachContext } from '../src/http/context.js';
import { ModelsController } from '../src/models/models.controller.js';
import { ServedModels } from '../src/models/served-models.js';

const catalog = new ModelCatalog();

function served(type: string, id: string, ownedBy = type): ServedModel {
  const card = catalog.find(type, id);
  const sold = { provider: type, model: id, baseModel: id, endpoint: { type } };
  return { id, ownedBy, created: 1_686_588_896, sold, ...(card && { card }) };
}

const LISTED = [
  served('openai', 'gpt-4o'),
  served('openai', 'o3'),
  served('anthropic', 'claude-opus-4-6'),
  served('lab', 'meta-llama/Llama-3.3-70B:fp8', 'lab'),
  served('simulator', 'simulator', 'parley (simulated, not a language model)'),
];

class FixedModels extends ServedModels {
  list() {
    return LISTED;
  }
  find(id: string) {
    return [...LISTED, served('openai', 'gpt-4')].find((model) => model.id === id);
  }
}

@Catch(GatewayError)
class EnvelopeFilter implements ExceptionFilter<GatewayError> {
  catch(error: GatewayError, host: ArgumentsHost): void {
    host.switchToHttp().getResponse<Response>().status(error.status).json(errorBody(error));
  }
}

const OVERRIDES = { 'anthropic/claude-opus-4-6': { input: 1_000_000_000, output: 2_000_000_000 } };

@Module({
  controllers: [ModelsController],
  providers: [
    { provide: ServedModels, useClass: FixedModels },
    {
      provide: PriceBook,
      useValue: new PriceBook(catalog, new LiveConfig({ prices: OVERRIDES } as unknown as Config)),
    },
  ],
})
class AppModule {}

describe('the models endpoint', () => {
  let app: INestApplication;
  let base: string;

  beforeAll(async () => {
    app = (await Test.createTestingModule({ imports: [AppModule] }).compile()).createNestApplication();
    app.use((request: Request, _: Response, next: NextFunction) => {
      const context = new RequestContext('req_1', 0, Date.parse('2026-11-22'), { strict: false, tags: [] });
      const globs = request.headers['x-globs'];
      context.principal = { keyId: 'k', name: 'ci', models: typeof globs === 'string' ? globs.split(',') : null };
      attachContext(request, context);
      next();
    });
    app.useGlobalFilters(new EnvelopeFilter());
    await app.listen(0, '127.0.0.1');
    base = `http://127.0.0.1:${String((app.getHttpServer().address() as AddressInfo).port)}`;
  });

  afterAll(() => app.close());

  const get = async (path: string, headers: Record<string, string> = {}, method = 'GET') => {
    const response = await fetch(base + path, { headers, method });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  };

  it('shows what OpenAI shows, and what is known beyond that', async () => {
    const { body } = await get('/v1/models');
    expect(body.object).toBe('list');
    expect(body.data.map(({ id }: { id: string }) => id)).toEqual(LISTED.map(({ id }) => id));
    expect(body.data[0]).toEqual({
      id: 'gpt-4o',
      object: 'model',
      created: 1_686_588_896,
      owned_by: 'openai',
      context_window: 128_000,
      max_output_tokens: 16_384,
      capabilities: ['tools', 'vision', 'json_schema', 'pdf'],
      supported_parameters: [
        ...['max_tokens', 'max_completion_tokens', 'temperature', 'top_p', 'stop', 'stream', 'stream_options'],
        ...['seed', 'n', 'user', 'metadata'],
        ...['presence_penalty', 'frequency_penalty', 'logit_bias', 'logprobs', 'top_logprobs'],
        ...['tools', 'tool_choice', 'parallel_tool_calls', 'response_format'],
      ],
      pricing: { input_usd_per_mtok: 2.5, cached_input_usd_per_mtok: 1.25, output_usd_per_mtok: 10 },
    });
    expect(body.data[1].supported_parameters).toContain('reasoning_effort');
    for (const drawing of ['temperature', 'logit_bias', 'presence_penalty', 'logprobs'])
      expect(body.data[1].supported_parameters).not.toContain(drawing);
    expect(body.data[2].pricing).toEqual({
      input_usd_per_mtok: 1,
      cached_input_usd_per_mtok: null,
      output_usd_per_mtok: 2,
    });
    expect(body.data[3].supported_parameters).not.toContain('seed');
    expect(body.data[3]).toMatchObject({
      context_window: null,
      max_output_tokens: null,
      capabilities: [],
      pricing: { input_usd_per_mtok: null, cached_input_usd_per_mtok: null, output_usd_per_mtok: null },
    });
  });

  it.each(['/models', '/openai/v1/models', '/v1/models/'])('has the same list at %s', async (path) => {
    expect((await get(path)).body).toEqual((await get('/v1/models')).body);
  });

  it.each([
    '/v1/models/meta-llama/Llama-3.3-70B:fp8',
    '/v1/models/meta-llama%2FLlama-3.3-70B%3Afp8',
    '/models/meta-llama%2FLlama-3.3-70B:fp8',
    '/openai/v1/models/meta-llama/Llama-3.3-70B:fp8?x=1',
  ])('finds an id with a slash at %s', async (path) => {
    expect(await get(path)).toMatchObject({
      status: 200,
      body: { id: 'meta-llama/Llama-3.3-70B:fp8', object: 'model' },
    });
  });

  it('shows a key only what it may use', async () => {
    const globs = { 'x-globs': 'gpt-*,simulator' };
    const { body } = await get('/v1/models', globs);
    expect(body.data.map(({ id }: { id: string }) => id)).toEqual(['gpt-4o', 'simulator']);
    expect((await get('/v1/models/gpt-4', globs)).status).toBe(200);
    expect(await get('/v1/models/o3', globs)).toMatchObject({
      status: 404,
      body: { error: { type: 'invalid_request_error', code: 'model_not_found', param: 'model' } },
    });
    const near = await get('/v1/models/o3x', globs);
    expect(near.body.error.message).not.toContain('`o3`');
  });

  it('speaks Anthropic to a client that does', async () => {
    const anthropic = { 'anthropic-version': '2023-06-01' };
    const { body } = await get('/v1/models', anthropic);
    expect(body).toMatchObject({ has_more: false, first_id: 'gpt-4o', last_id: 'simulator' });
    const opus = {
      type: 'model',
      id: 'claude-opus-4-6',
      display_name: 'Claude Opus 4.6',
      created_at: '2023-06-12T16:54:56Z',
    };
    expect(body.data[2]).toEqual(opus);
    expect((await get('/v1/models/claude-opus-4-6', anthropic)).body).toEqual(opus);
    expect((await get('/v1/models', { ...anthropic, 'x-globs': 'nothing' })).body).toEqual({
      data: [],
      has_more: false,
      first_id: null,
      last_id: null,
    });
  });

  it('answers HEAD, and refuses what it does not know', async () => {
    expect(await get('/v1/models', {}, 'HEAD')).toEqual({ status: 200, body: undefined });
    for (const [path, method] of [
      ['/v1/models', 'POST'],
      ['/v1/models/gpt-4o', 'DELETE'],
      ['/models/a/b', 'PUT'],
    ] as const) {
      expect(await get(path, {}, method)).toMatchObject({
        status: 405,
        body: { error: { code: 'method_not_supported' } },
      });
    }
  });

  it('names what somebody may have meant, for hostile names too', async () => {
    expect((await get('/v1/models/gpt4o')).body.error.message).toContain('`gpt-4o`');
    for (const path of [
      '/v1/models/__proto__',
      `/v1/models/${'a/'.repeat(3000)}z`,
      '/v1/models/%00%0a',
      '/v1/models/..%2f..',
    ]) {
      expect(await get(path)).toMatchObject({ status: 404, body: { error: { code: 'model_not_found' } } });
    }
  });

  it('satisfies the official SDK', async () => {
    const client = new OpenAI({ apiKey: 'x', baseURL: `${base}/v1`, maxRetries: 0 });
    const ids: string[] = [];
    for await (const model of client.models.list()) ids.push(model.id);
    expect(ids).toHaveLength(LISTED.length);
    expect((await client.models.retrieve('meta-llama/Llama-3.3-70B:fp8')).owned_by).toBe('lab');
    await expect(client.models.retrieve('nope')).rejects.toThrow(NotFoundError);
  });
});
