import { firstValueFrom, toArray } from 'rxjs';
import type { ChatCompletion, ChatCompletionChunk, ChatRequest } from '../../src/domain/chat.js';
import type { ChatFrame } from '../../src/domain/chat-frame.js';
import type { Timeouts } from '../../src/domain/deployment.js';
import { Flow } from '../../src/domain/flow.js';
import type { UpstreamCall } from '../../src/providers/provider.js';
import { SimulatorProvider } from '../../src/providers/simulator/simulator.provider.js';
import { startAttempt } from '../../src/routing/pursuit/attempt.js';

const LONG: Timeouts = { connect: 5000, firstToken: 5000, idle: 5000, total: 5000 };

/** What may differ about a call. */
export interface Circumstances {
  readonly model?: string;
  readonly timeouts?: Partial<Timeouts>;
  readonly signal?: AbortSignal;
}

/** A call of the simulator. */
export function call({
  model = 'simulator',
  timeouts = {},
  signal = new AbortController().signal,
}: Circumstances = {}): UpstreamCall {
  const deployment = {
    provider: 'simulator',
    model,
    baseModel: model,
    facts: {},
    endpoint: { type: 'simulator', baseUrl: '', credentials: [], headers: {}, settings: {} },
    timeouts: { ...LONG, ...timeouts },
    weight: 1,
  };
  const attempt = startAttempt(deployment);
  const onCancel = (stop: () => void) => signal.addEventListener('abort', stop);
  return {
    keyId: undefined,
    deployment,
    credential: undefined,
    strict: false,
    onCancel,
    signal,
    attempt,
    flow: new Flow(),
  };
}

/** The simulator, asked without a gateway around it. */
export const provider = new SimulatorProvider();
/** A short question, with these fields. */
export const ask = (fields: object): ChatRequest => ({
  model: 'simulator',
  messages: [{ role: 'user', content: 'Hi there' }],
  ...fields,
});

/** The whole answer to a short question, with these fields. */
export const complete = (fields: object, circumstances?: Circumstances): Promise<ChatCompletion> =>
  provider.chat.complete(ask(fields), call(circumstances));

/** The same, streamed. */
export const stream = (fields: object, circumstances?: Circumstances): Promise<ChatFrame[]> =>
  firstValueFrom(provider.chat.stream(ask({ stream: true, ...fields }), call(circumstances)).pipe(toArray()));

/** What a client reads from these frames. */
export function chunksOf(frames: readonly ChatFrame[]): ChatCompletionChunk[] {
  const text = frames.map(({ bytes }) => Buffer.from(bytes).toString()).join('');
  return text
    .split('\n\n')
    .slice(0, -1)
    .map((event) => JSON.parse(event.replace(/^data: /, '')));
}

/** Tools of both kinds, and what else the requests of these specs are made of. */
export const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 1 } },
      required: ['city', 'days'],
    },
  },
};
export const clock = { type: 'function', function: { name: 'get_time' } };
export const sql = { type: 'custom', custom: { name: 'run_sql' } };
export const tools = [weather, clock, sql];
export const schema = {
  type: 'object',
  properties: { n: { type: 'integer' } },
  required: ['n'],
  additionalProperties: false,
};
export const json_schema = { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } };
export const result = [
  { role: 'user', content: 'Weather?' },
  {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: 'c1', type: 'function', function: { name: 'get_weather', arguments: '{}' } }],
  },
  { role: 'tool', tool_call_id: 'c1', content: '21 degrees' },
];
export const user = (content: unknown) => ({ messages: [{ role: 'user', content }] });
