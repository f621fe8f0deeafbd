import { startGateway, type Gateway } from '../support/gateway.js';
import {
  answerWith,
  chunk,
  completion,
  events,
  startUpstream,
  streamOf,
  type FakeUpstream,
} from '../support/upstream.js';

const SCHEMA = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };

/** DeepSeek knows no schemas: they are asked for in words, so the gateway checks what comes. */
describe('a schema that the provider does not see to', () => {
  let upstream: FakeUpstream;
  let gateway: Gateway;

  beforeAll(async () => {
    upstream = await startUpstream();
    gateway = await startGateway({
      config: {
        providers: { deepseek: { baseUrl: upstream.url, apiKey: 'k', timeouts: { firstToken: '150ms' } } },
        models: { m: { targets: [{ provider: 'deepseek', model: 'deepseek-chat' }], retries: 0 } },
      },
    });
  });

  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });

  const ask = async (more: object = {}) => {
    const response = await gateway.chat({
      model: 'm',
      messages: [{ role: 'user', content: 'Where?' }],
      response_format: { type: 'json_schema', json_schema: { name: 'place', schema: SCHEMA } },
      ...more,
    });
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
  };

  it('is told of as adapted, and its answer is the JSON alone', async () => {
    upstream.play(answerWith(completion('Sure!\n```json\n{"city":"Rome"}\n```')));
    const { status, text } = await ask();
    expect([status, JSON.parse(text).choices[0].message.content]).toEqual([200, '{"city":"Rome"}']);
  });

  it.each([false, true])('fails with a status where the answer is another (stream: %s)', async (stream) => {
    upstream.play(
      stream
        ? streamOf(
            events(
              chunk({ role: 'assistant', content: '{"town":' }),
              chunk({ content: '1}' }),
              chunk({}, 'stop'),
              '[DONE]',
            ),
          )
        : answerWith(completion('{"town":1}')),
    );
    const { status, type, text } = await ask({ stream });
    expect([status, type?.split(';')[0], JSON.parse(text).error]).toEqual([
      502,
      'application/json',
      expect.objectContaining({ code: 'invalid_structured_output', type: 'server_error', param: null }),
    ]);
    expect(text).not.toContain('town');
    const records = (await (await gateway.admin('GET', '/admin/requests?limit=1')).json()) as { data: object[] };
    const usage = stream ? {} : { usage: { prompt_tokens: 11, completion_tokens: 2 }, usage_source: 'provider' };
    expect(records.data[0]).toMatchObject({ outcome: 'failed', error_code: 'invalid_structured_output', ...usage });
  });

  it('comes in one piece of a stream, and what is held back is still a sign of life', async () => {
    upstream.play(async ({ response }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(events(chunk({ role: 'assistant', content: '{"city":' })));
      await new Promise((resolve) => setTimeout(resolve, 400));
      response.end(events(chunk({ content: '"Rome"}' }), chunk({}, 'stop'), '[DONE]'));
    });
    const { status, text } = await ask({ stream: true });
    const contents = text
      .split('\n\n')
      .filter((event) => event.startsWith('data: {'))
      .flatMap((event) => JSON.parse(event.slice(6)).choices[0]?.delta.content ?? []);
    expect([status, contents.filter(Boolean), text.endsWith('data: [DONE]\n\n')]).toEqual([
      200,
      ['{"city":"Rome"}'],
      true,
    ]);
  });

  it('is refused before anything is sent where it is none', async () => {
    upstream.play(answerWith(completion('{}')));
    const format = { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'shoe' } } };
    const { status, text } = await ask({ response_format: format });
    expect([status, JSON.parse(text).error]).toEqual([
      400,
      expect.objectContaining({ code: 'invalid_json_schema', param: 'response_format' }),
    ]);
    expect(upstream.requests).toHaveLength(0);
  });
});
