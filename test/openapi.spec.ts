import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { DocsModule } from '../src/docs/docs.module.js';
import { openApiDocument, type OpenApiDocument } from '../src/docs/openapi.js';
import { docsPage } from '../src/docs/page/page.js';
import { chatRecordings, withoutRecordings } from './support/recordings.js';

// What travels is JSON: members that are undefined here are not there.
const document = JSON.parse(JSON.stringify(openApiDocument('1.2.3'))) as OpenApiDocument;
const { schemas, securitySchemes } = document.components;

const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true });
for (const keyword of ['components', 'discriminator', 'paths', 'info', 'openapi', 'servers', 'tags'])
  ajv.addKeyword(keyword);
ajv.addFormat('date-time', true);
ajv.addFormat('date', true);
ajv.addSchema({ $id: 'parley', components: document.components });

function validator(name: string): ValidateFunction {
  const validate = ajv.getSchema(`parley#/components/schemas/${name}`);
  if (validate === undefined) throw new Error(`There is no schema ${name}.`);
  return validate;
}

/** What is wrong with it, in a few words. */
function faults(name: string, value: unknown): readonly string[] {
  const validate = validator(name);
  if (validate(value)) return [];
  return (validate.errors ?? []).map(({ instancePath, message = '' }) => `${instancePath} ${message}`).slice(0, 8);
}

function* nodes(value: unknown, path = ''): Generator<readonly [string, Record<string, unknown>]> {
  if (typeof value !== 'object' || value === null) return;
  yield [path, value as Record<string, unknown>];
  for (const [name, member] of Object.entries(value)) yield* nodes(member, `${path}/${name}`);
}

describe('the description of the API', () => {
  it('refers only to what is there, and to everything that is there', () => {
    const named = Object.keys(schemas).map((name) => `#/components/schemas/${name}`);
    const used = [...nodes(document)].flatMap(([, node]) => (typeof node['$ref'] === 'string' ? [node['$ref']] : []));
    expect(used.filter((reference) => !named.includes(reference))).toEqual([]);
    expect(named.filter((name) => !used.includes(name))).toEqual([]);
  });

  it.each(Object.keys(schemas))('has in %s a schema that compiles', (name) => {
    expect(typeof validator(name)).toBe('function');
  });

  it('says of every operation what it takes, what it answers, and who may call it', () => {
    const ids = new Set<string>();
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        const name = `${method} ${path}`;
        expect([name, Object.keys(operation.responses).some((status) => /^2\d\d$/.test(status))]).toEqual([name, true]);
        expect([name, ids.has(operation.operationId)]).toEqual([name, false]);
        ids.add(operation.operationId);
        for (const scheme of operation.security.flatMap((needed) => Object.keys(needed))) {
          expect(securitySchemes).toHaveProperty(scheme);
        }
        const inPath = (operation.parameters ?? []).filter((each) => each.in === 'path').map((each) => each.name);
        expect([...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter)).toEqual(inPath);
        const body = operation.requestBody?.content['application/json'];
        if (body) expect([name, faults(body.schema.$ref?.split('/').at(-1) ?? '', body.example)]).toEqual([name, []]);
        const failures = Object.entries(operation.responses).filter(
          ([status]) => Number(status) >= 400 && path !== '/readyz',
        );
        for (const [, { content, headers }] of failures) {
          expect(content?.['application/json']?.schema).toEqual({ $ref: '#/components/schemas/Error' });
          expect(headers).toHaveProperty(['x-should-retry']);
        }
      }
    }
  });
});

describe('its schemas', () => {
  const say = (message: object, rest: object = {}) => ({ model: 'm', messages: [message], ...rest });
  const hello = { role: 'user', content: 'Hello' };
  const call = { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } };

  it.each<[string, object]>([
    ['nulls', say(hello, { temperature: null, tools: null, stop: null, stream_options: null, response_format: null })],
    ['fields of others', say(hello, { top_k: 40, chat_template_kwargs: { enable_thinking: false } })],
    [
      'an image',
      say({ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://x/y.png', detail: null } }] }),
    ],
    [
      'a kind of part that is not OpenAI’s',
      say({ role: 'user', content: [{ type: 'video_url', video_url: { url: 'https://x' } }] }),
    ],
    [
      'a call and its result',
      {
        model: 'm',
        messages: [
          hello,
          { role: 'assistant', tool_calls: [call] },
          { role: 'tool', tool_call_id: 'call_1', content: '4' },
        ],
      },
    ],
    [
      'a forced tool',
      say(hello, {
        tools: [{ type: 'function', function: { name: 'f' } }],
        tool_choice: { type: 'function', function: { name: 'f' } },
      }),
    ],
    [
      'a custom tool',
      say(hello, {
        tools: [
          {
            type: 'custom',
            custom: { name: 'f', format: { type: 'grammar', grammar: { definition: 'x', syntax: 'lark' } } },
          },
        ],
      }),
    ],
    [
      'a schema',
      say(hello, {
        response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object' }, strict: true } },
      }),
    ],
    ['the simulator steered', say(hello, { simulator: { text: 'Hi', fault: 'cut', after_chunks: 2 } })],
  ])('take %s', (_, request) => {
    expect(faults('ChatCompletionRequest', request)).toEqual([]);
  });

  it.each<[string, object]>([
    ['no messages', { model: 'm', messages: [] }],
    ['no model', { messages: [hello] }],
    ['an unknown role', say({ role: 'king', content: 'x' })],
    ['a user who says nothing', say({ role: 'user', content: null })],
    ['an image without a URL', say({ role: 'user', content: [{ type: 'image_url', image_url: {} }] })],
    ['a tool without a name', say(hello, { tools: [{ type: 'function', function: {} }] })],
    ['a temperature out of range', say(hello, { temperature: 3 })],
    ['an unknown tool choice', say(hello, { tool_choice: 'maybe' })],
  ])('refuse %s', (_, request) => {
    expect(faults('ChatCompletionRequest', request)).not.toEqual([]);
  });

  if (withoutRecordings !== undefined) {
    it.skip(`fit what OpenAI said (${withoutRecordings})`, () => undefined);
    return;
  }

  const recorded = chatRecordings().filter(({ provider, status }) => provider === 'openai-chat' && status === 200);
  it.each(recorded)('fit $name', ({ request, response, isStream }) => {
    expect(faults('ChatCompletionRequest', request)).toEqual([]);
    if (!isStream) {
      expect(faults('ChatCompletion', JSON.parse(response.toString()))).toEqual([]);
      return;
    }
    const events = response
      .toString()
      .split(/\r?\n\r?\n/)
      .filter((event) => event.startsWith('data: {'));
    expect(events.length).toBeGreaterThan(0);
    for (const event of events) expect(faults('ChatCompletionChunk', JSON.parse(event.slice(6)))).toEqual([]);
  });
});

describe('the page', () => {
  it('names every operation and schema, loads nothing and escapes what it is given', () => {
    const page = docsPage({ ...document, info: { ...document.info, title: `<script>alert("1")</script>` } });
    expect(page).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;');
    expect(page).not.toMatch(/<script|<link|<img|src=|@import|url\(/);
    const anchors = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(anchors).size).toBe(anchors.length);
    const targets = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
    expect(targets.filter((target) => !anchors.includes(target))).toEqual([]);
    for (const name of Object.keys(schemas)) expect(anchors).toContain(`schema-${name}`);
  });
});

describe('over HTTP', () => {
  let app: INestApplication;
  let base: string;

  beforeAll(async () => {
    app = (await Test.createTestingModule({ imports: [DocsModule] }).compile()).createNestApplication();
    await app.listen(0, '127.0.0.1');
    base = `http://127.0.0.1:${String((app.getHttpServer().address() as AddressInfo).port)}`;
  });

  afterAll(() => app.close());

  it('is JSON for tools and HTML for people, of this version', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    const description = await fetch(`${base}/openapi.json`);
    expect(description.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await description.json()).toEqual({ ...document, info: { ...document.info, version } });
    const page = await fetch(`${base}/docs`);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await page.text()).toContain('<!doctype html>');
    expect((await fetch(`${base}/docs`, { method: 'HEAD' })).status).toBe(200);
  });
});
