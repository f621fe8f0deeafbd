import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { lastValueFrom, toArray } from 'rxjs';
import type { ChatRequest } from '../domain/chat.js';
import { Flow } from '../domain/flow.js';
import { pathsOf } from '../domain/param-change.js';
import { Secret } from '../domain/secret.js';
import { HttpTransport } from '../transport/http-transport.js';
import { AzureOpenAiProvider, azureUrl } from './azure-openai.provider.js';
import { compatibleProvider } from './compatible-provider.js';
import { COMPATIBLE_ROWS } from './openai-compatible.js';
import { OpenAiProvider } from './openai.provider.js';
import type { UpstreamCall } from './provider.js';
import { upstreamsOver } from '../../test/support/upstreams.js';
import { startAttempt } from '../routing/pursuit/attempt.js';

const HEAD = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm' };
const event = (delta: object, finish: string | null) =>
  `data: ${JSON.stringify({ ...HEAD, choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const SAID = event({ role: 'assistant', content: 'Hi' }, null) + event({}, 'stop');
const REQUEST: ChatRequest = { model: 'name', messages: [{ role: 'user', content: 'Hi' }] };
const STREAM: ChatRequest = { ...REQUEST, stream: true };

interface Place {
  readonly baseUrl?: string;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly model?: string;
  readonly strict?: boolean;
  readonly timeouts?: object;
}

describe('ProtocolChat', () => {
  const transport = new HttpTransport();
  const upstreams = upstreamsOver(transport);
  let server: Server;
  let base = '';
  let connections = 0;
  let answer: (response: ServerResponse) => void;
  let seen: { url: string; headers: IncomingHttpHeaders; body: string };

  beforeAll(async () => {
    server = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.once('end', () => {
        seen = { url: request.url ?? '', headers: request.headers, body: Buffer.concat(pieces).toString() };
        answer(response);
      });
    });
    server.on('connection', () => (connections += 1));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(async () => {
    await transport.onApplicationShutdown();
    await new Promise((resolve) => server.close(resolve));
  });

  function callAt({
    baseUrl = base,
    key,
    headers = {},
    settings = {},
    model = 'wire',
    strict = false,
    timeouts,
  }: Place = {}): UpstreamCall {
    const credential = key === undefined ? undefined : new Secret(key);
    const endpoint = { type: 't', baseUrl, credentials: credential ? [credential] : [], headers, settings };
    const deployment = {
      provider: 'p',
      model,
      baseModel: model,
      facts: {},
      endpoint,
      timeouts: { connect: 1000, firstToken: 1000, idle: 1000, total: 1000, ...timeouts },
      weight: 1,
    };
    const attempt = startAttempt(deployment);
    return {
      keyId: undefined,
      deployment,
      credential,
      strict,
      onCancel: () => undefined,
      signal: new AbortController().signal,
      attempt,
      flow: new Flow(),
    };
  }

  const row = (type: string, quirks: readonly string[] = []) => {
    const found = COMPATIBLE_ROWS.find((each) => each.type === type);
    if (found?.type === undefined) throw new Error(type);
    const { chat } = compatibleProvider(found, quirks, upstreams);
    if (chat === undefined) throw new Error(type);
    return chat;
  };
  const text = async (chat: ReturnType<typeof row>, call = callAt(), request = STREAM) =>
    Buffer.concat(
      (await lastValueFrom(chat.stream(request, call).pipe(toArray()))).map(({ bytes }) => bytes),
    ).toString();

  it('sends what the row says, as whom it says, and notes what it changed', async () => {
    answer = (response) =>
      void response.end(JSON.stringify({ choices: [{ message: { content: 'Hi' }, finish_reason: 'eos' }] }));
    const call = callAt({ key: 'k', headers: { 'x-mine': '1' } });
    const completion = await row('zai').complete(
      { ...REQUEST, seed: 1, temperature: 2, max_completion_tokens: 9 },
      call,
    );
    expect(seen.url).toBe('/chat/completions');
    expect(seen.headers).toMatchObject({
      authorization: 'Bearer k',
      'accept-language': 'en-US',
      'x-mine': '1',
      'content-type': 'application/json',
      'accept-encoding': 'identity',
    });
    expect(JSON.parse(seen.body)).toEqual({ ...REQUEST, model: 'wire', temperature: 1, max_tokens: 9 });
    expect(pathsOf(call.attempt.changes, 'dropped')).toEqual(['seed']);
    expect(pathsOf(call.attempt.changes, 'adapted')).toEqual(['max_completion_tokens', 'temperature']);
    expect(call.attempt.answeredAt).toBeGreaterThan(0);
    expect(completion).toMatchObject({
      model: 'name',
      id: expect.stringMatching(/^chatcmpl-/),
      choices: [{ finish_reason: 'stop' }],
    });
  });

  it.each([
    ['drop', 'zai', { seed: 1 }, 'seed'],
    ['adapt', 'zai', { temperature: 2 }, 'temperature'],
    ['lose', 'mistral', { n: 1, logprobs: true }, 'logprobs'],
  ])('refuses to %s anything where that is asked for', async (_, type, fields, param) => {
    const call = callAt({ strict: true });
    const refusal = { status: 400, code: 'unsupported_parameter', param };
    await expect(row(type).complete({ ...REQUEST, ...fields }, call)).rejects.toMatchObject(refusal);
    await expect(text(row(type), call, { ...STREAM, ...fields })).rejects.toMatchObject(refusal);
  });

  it('adds the quirks an operator names to those of the row', async () => {
    answer = (response) => void response.end(SAID);
    await text(row('openai-compatible', ['maxTokens', 'noStreamOptions']), callAt(), {
      ...STREAM,
      max_completion_tokens: 3,
    });
    expect(JSON.parse(seen.body)).toEqual({ ...STREAM, model: 'wire', max_tokens: 3 });
  });

  it.each([
    [401, 502, 'upstream_authentication'],
    [429, 429, 'rate_limit_exceeded'],
  ])('tells of the status %i as %i', async (given, status, code) => {
    answer = (response) => void response.writeHead(given).end('{"error":{"message":"No"}}');
    await expect(row('vllm').complete(REQUEST, callAt())).rejects.toMatchObject({ status, code });
    await expect(text(row('vllm'))).rejects.toMatchObject({ status, code });
  });

  it('ends a stream at its [DONE], and keeps the connection of a provider that closes a little later', async () => {
    answer = (response) => {
      response.write(`${SAID}data: [DONE]\n\n`);
      setTimeout(() => response.end(), 60);
    };
    const before = connections;
    for (let at = 0; at < 4; at += 1) {
      const start = performance.now();
      expect(await text(row('vllm'))).toBe(SAID);
      expect(performance.now() - start).toBeLessThan(50);
      await wait(120);
    }
    expect(connections - before).toBeLessThanOrEqual(1);
  });

  it('takes what was complete for complete, though the connection broke, and nothing else', async () => {
    const broken = (said: string) => (response: ServerResponse) => {
      response.writeHead(200).write(said);
      setTimeout(() => response.destroy(), 30);
    };
    answer = broken(SAID);
    expect(await text(row('vllm'))).toBe(SAID);
    answer = broken(event({ role: 'assistant', content: 'Hi' }, null));
    await expect(text(row('vllm'))).rejects.toMatchObject({ code: 'stream_truncated' });
  });

  it('knows how much was said of an answer that broke off, also where nothing of it was passed on', async () => {
    answer = (response) => {
      response.writeHead(200).write(event({ role: 'assistant', content: '{"half":' }, null));
      setTimeout(() => response.destroy(), 30);
    };
    const plain = callAt();
    await expect(text(row('vllm'), plain)).rejects.toMatchObject({ code: 'stream_truncated' });
    expect(plain.attempt.said).toBe(0); // its frames have told
    const held = callAt();
    const json = { ...STREAM, response_format: { type: 'json_schema', json_schema: { name: 'n', schema: {} } } };
    await expect(text(row('deepseek'), held, json)).rejects.toMatchObject({ code: 'stream_truncated' });
    expect(held.attempt.said).toBe('{"half":'.length);
  });

  it.each([
    ['firstToken', ': wait\n\n'],
    ['idle', event({ role: 'assistant', content: 'Hi' }, null)],
  ])('gives up on a silent provider: %s', async (clock, said) => {
    answer = (response) => void response.writeHead(200).write(said);
    const call = callAt({ timeouts: { [clock]: 40 } });
    await expect(text(row('vllm'), call)).rejects.toMatchObject({ clock, status: 504 });
  });

  it('calls OpenAI for an organisation and a project, and Azure by key or token', async () => {
    answer = (response) => void response.end(SAID);
    const settings = { organization: 'org', project: 'proj' };
    await text(new OpenAiProvider(upstreams).chat, callAt({ key: 'k', settings }));
    expect(seen.headers).toMatchObject({
      authorization: 'Bearer k',
      'openai-organization': 'org',
      'openai-project': 'proj',
    });
    const azure = new AzureOpenAiProvider(upstreams).chat;
    await text(azure, callAt({ key: 'k', settings: { apiVersion: '2024-10-21' }, model: 'my gpt' }));
    expect(seen).toMatchObject({
      url: '/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21',
      headers: { 'api-key': 'k' },
    });
    expect(seen.headers.authorization).toBeUndefined();
    await text(azure, callAt({ key: 'eyJa.eyJb.c' }));
    expect([seen.headers.authorization, seen.headers['api-key']]).toEqual(['Bearer eyJa.eyJb.c', undefined]);
  });

  it.each([
    ['https://r.openai.azure.com', undefined, 'https://r.openai.azure.com/openai/v1/x'],
    ['https://r.openai.azure.com', 'preview', 'https://r.openai.azure.com/openai/v1/x?api-version=preview'],
    [
      'https://r.openai.azure.com',
      '2024-10-21',
      'https://r.openai.azure.com/openai/deployments/d/x?api-version=2024-10-21',
    ],
    [
      'https://r.openai.azure.com/openai',
      '2024-10-21',
      'https://r.openai.azure.com/openai/deployments/d/x?api-version=2024-10-21',
    ],
    ['https://r.openai.azure.com/openai/v1', undefined, 'https://r.openai.azure.com/openai/v1/x'],
    [
      'https://r.services.ai.azure.com/models',
      '2024-05-01-preview',
      'https://r.services.ai.azure.com/models/x?api-version=2024-05-01-preview',
    ],
    [
      'https://r.openai.azure.com/openai/deployments/e',
      '2024-10-21',
      'https://r.openai.azure.com/openai/deployments/e/x?api-version=2024-10-21',
    ],
  ])('Azure at %s, version %s', (baseUrl, apiVersion, url) => {
    expect(azureUrl(callAt({ baseUrl, settings: { apiVersion }, model: 'd' }), '/x')).toBe(url);
  });
});
