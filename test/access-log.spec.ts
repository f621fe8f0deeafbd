import type { LoggerService } from '@nestjs/common';
import { startGateway, type Gateway } from './support/gateway.js';
import { answerWith, completion, startUpstream, type FakeUpstream } from './support/upstream.js';

const KEY = 'sk-ant-secret-0123456789';

let gateway: Gateway;
let upstream: FakeUpstream;
const lines: Readonly<Record<string, unknown>>[] = [];

beforeAll(async () => {
  upstream = await startUpstream();
  gateway = await startGateway({
    config: {
      providers: {
        anthropic: { apiKey: KEY, baseUrl: upstream.url },
        lab: { type: 'openai-compatible', baseUrl: upstream.url, apiKey: KEY },
      },
    },
    env: { PARLEY_LOG_LEVEL: 'info' },
  });
  const keep = (message: unknown) => void lines.push(message as (typeof lines)[number]);
  gateway.app.useLogger({ log: keep, warn: keep, error: keep } satisfies LoggerService);
});

afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

async function ask(model: string): Promise<string> {
  lines.length = 0;
  const answer = await gateway.chat({ model, messages: [{ role: 'user', content: 'a prompt' }] });
  const text = await answer.text();
  while (lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  return text;
}

describe('the log', () => {
  it('has one line a request, with no word of the prompt or the answer', async () => {
    upstream.play(answerWith(completion('an answer')));
    await ask('lab/m');
    expect(lines).toEqual([
      expect.objectContaining({
        msg: 'POST /v1/chat/completions 200',
        provider: 'lab',
        model: 'm',
        ms: expect.any(Number),
      }),
    ]);
    expect(JSON.stringify(lines)).not.toMatch(/a prompt|an answer/);
  });

  it.each([
    [
      'anthropic/claude-haiku-4-5',
      { type: 'error', error: { type: 'authentication_error', message: `No such key: ${KEY}` } },
    ],
    ['lab/m', { error: { message: `No such key: ${KEY}`, type: 'invalid_request_error', code: 'invalid_api_key' } }],
  ])('tells the operator, and not the client, why %s refused the gateway', async (model, body) => {
    upstream.play(answerWith(body, { status: 401 }));
    const told = await ask(model);
    expect(told).not.toContain('No such key');
    expect(lines[0]).toMatchObject({ error: 'upstream_authentication', reason: 'No such key: [secret]' });
  });

  it('names whoever failed before somebody answered', async () => {
    upstream.play((request) => {
      const fails = upstream.requests.length === 1;
      const answer = fails ? answerWith({ error: { message: 'Oops' } }, { status: 500 }) : answerWith(completion('hi'));
      return answer(request);
    });
    await ask('lab/m');
    expect(lines[0]).toMatchObject({
      msg: 'POST /v1/chat/completions 200',
      attempts: [
        { provider: 'lab', model: 'm', outcome: 'failed', status: 500, error: 'upstream_error' },
        { provider: 'lab', model: 'm', outcome: 'completed', status: 200 },
      ],
    });
  });
});
