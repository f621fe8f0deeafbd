import fc from 'fast-check';
import { factsOf } from '../../src/catalog/model-facts.js';
import type { ChatRequest } from '../../src/domain/chat.js';
import { InvalidRequestError } from '../../src/domain/errors.js';
import { NO_TURN_STATES } from '../../src/domain/turn-state.js';
import { anthropicMessages } from '../../src/protocols/anthropic-messages/index.js';
import { bedrockConverse } from '../../src/protocols/bedrock-converse/index.js';
import { geminiGenerateContent } from '../../src/protocols/gemini-generate-content/index.js';
import type { AnswerFacts, ChatProtocol, EmitFrame, WireRequest } from '../../src/protocols/protocol.js';
import { piecesOf } from '../support/pieces.js';
import { foldChunks, foldCompletion } from './fold-chunks.js';
import { randomAnswer } from './random-answer.js';
import { randomRequest } from './random-request.js';
import { brokenTurnRules } from './turn-rules.js';
import { typeErrors, type Vendor } from './vendor-types.js';

interface Dialect {
  readonly vendor: Vendor;
  readonly type: string;
  readonly protocol: ChatProtocol;
  /** One of each generation whose rules differ. */
  readonly models: readonly string[];
}

const DIALECTS: readonly Dialect[] = [
  {
    vendor: 'anthropic',
    type: 'anthropic',
    protocol: anthropicMessages({ host: 'anthropic' }),
    models: [
      'claude-opus-5-5',
      'claude-haiku-5-5',
      'claude-opus-4-6',
      'claude-sonnet-4-5',
      'claude-3-haiku-20240307',
      'claude-new',
    ],
  },
  {
    vendor: 'gemini',
    type: 'gemini',
    protocol: geminiGenerateContent({ host: 'gemini' }),
    models: [
      'gemini-4-argon',
      'gemini-3-pro-preview',
      'gemini-2.5-flash',
      'gemini-2.5-pro',
      'gemini-2.0-flash',
      'gemma-3-27b-it',
    ],
  },
  {
    vendor: 'bedrock',
    type: 'bedrock',
    protocol: bedrockConverse,
    models: [
      'us.anthropic.claude-opus-4-6-v1',
      'anthropic.claude-haiku-4-5-20251001-v1:0',
      'amazon.nova-pro-v1:0',
      'amazon.nova-2-lite-v1:0',
      'mistral.mistral-large-2407-v1:0',
      'meta.llama3-1-70b-instruct-v1:0',
      'openai.gpt-oss-120b-1:0',
      'arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc',
    ],
  },
];

const SEED = 20261122;
const RUNS = 250;

const REQUESTS = fc.sample(randomRequest, { seed: SEED, numRuns: RUNS });

function translated(
  { protocol, type }: Dialect,
  request: ChatRequest,
  model: string,
): WireRequest | InvalidRequestError {
  try {
    return protocol.request(request, {
      model,
      baseModel: model,
      facts: factsOf(type, model),
      turns: NO_TURN_STATES,
      withoutState: false,
    });
  } catch (error) {
    if (error instanceof InvalidRequestError) return error;
    throw error;
  }
}

/** Every request, each for the next of the models. */
const runs = (dialect: Dialect) =>
  REQUESTS.map((request, at) => {
    const model = dialect.models[at % dialect.models.length] ?? '';
    return { request, model, result: translated(dialect, request, model) };
  });

/** What says nothing when it is said aloud; what is the transport's is none of the dialect's. */
const DEFAULTS: Readonly<Record<string, readonly unknown[]>> = {
  n: [1],
  temperature: [1],
  top_p: [1],
  verbosity: ['medium'],
  tool_choice: ['auto'],
  parallel_tool_calls: [true],
  service_tier: ['auto', 'default'],
  reasoning_effort: ['none'],
};
const OF_THE_TRANSPORT = ['model', 'messages', 'stream', 'stream_options'];

const isDefault = (field: string, value: unknown): boolean =>
  OF_THE_TRANSPORT.includes(field) ||
  ['{}', '[]', '0', 'false', '""', '["text"]', '{"type":"text"}'].includes(JSON.stringify(value)) ||
  DEFAULTS[field]?.includes(value) === true;

describe.each(DIALECTS.map((dialect) => [dialect.vendor, dialect] as const))(
  'any request, told to %s',
  (_, dialect) => {
    const results = runs(dialect);
    const wires = results.flatMap(({ result }) => (result instanceof InvalidRequestError ? [] : [result]));

    it('is told in most cases, and refused with a param in all others', () => {
      expect(wires.length / results.length).toBeGreaterThan(0.6);
      for (const { result } of results)
        if (result instanceof InvalidRequestError)
          expect([result.status, typeof result.param]).toEqual([400, 'string']);
    });

    it('is a request by the types of the vendor’s own SDK', () => {
      expect(
        typeErrors(
          dialect.vendor,
          wires.map(({ body }) => body),
        ),
      ).toEqual([]);
    }, 120_000);

    it('keeps the order of turns that the provider demands', () => {
      expect(
        wires.flatMap(({ body }) => brokenTurnRules(dialect.vendor, body).map((fault) => `${fault}: ${body}`)),
      ).toEqual([]);
    });

    it('loses no parameter without saying so', () => {
      const lost = results.flatMap(({ request, model, result }) => {
        if (result instanceof InvalidRequestError) return [];
        const told = new Set(result.changes.map(({ path }) => /^[^.[]*/.exec(path)?.[0]));
        return Object.entries(request).flatMap(([field, value]) => {
          if (isDefault(field, value) || told.has(field)) return [];
          if (field === 'tools' && request.tool_choice === 'none') return []; // what may not be called need not be sent
          const { [field]: _left, ...rest } = request;
          const without = translated(dialect, rest as ChatRequest, model);
          const same =
            !(without instanceof InvalidRequestError) && without.body === result.body && without.path === result.path;
          return same ? [`${model}: ${field} ${JSON.stringify(value)} of ${JSON.stringify(request)}`] : [];
        });
      });
      expect(lost).toEqual([]);
    });

    it('is told the same way every time, and leaves the request as it was', () => {
      for (const { request, model, result } of results) {
        const before = JSON.stringify(request);
        const again = translated(dialect, request, model);
        expect(again instanceof InvalidRequestError ? again.message : again).toEqual(
          result instanceof InvalidRequestError ? result.message : result,
        );
        expect(JSON.stringify(request)).toBe(before);
      }
    });

    it('says of fields nobody knows that they are not sent', () => {
      const unknown = results.filter(
        ({ request, result }) => 'x_unknown' in request && !(result instanceof InvalidRequestError),
      );
      expect(unknown.length).toBeGreaterThan(5);
      for (const { result } of unknown)
        expect((result as WireRequest).changes).toContainEqual(
          expect.objectContaining({ path: 'x_unknown', treatment: 'dropped' }),
        );
    });
  },
);

const FACTS: AnswerFacts = { id: 'chatcmpl-1', created: 1_700_000_000, model: 'asked', asked: {} };

describe.each(DIALECTS.map((dialect) => [dialect.vendor, dialect] as const))(
  'any answer of %s',
  (_, { vendor, protocol }) => {
    it('is the same streamed, however it is cut, and whole', () => {
      fc.assert(
        fc.property(randomAnswer[vendor], fc.integer({ min: 1, max: 64 }), ({ whole, stream }, size) => {
          const decoder = protocol.stream(FACTS, true);
          const sent: Uint8Array[] = [];
          const keep: EmitFrame = ({ bytes }) => sent.push(bytes);
          for (const piece of piecesOf(stream, size)) decoder.next(piece, keep);
          decoder.end(keep);
          const completion = protocol.response(Buffer.from(whole), FACTS);
          expect(foldChunks(Buffer.concat(sent).toString())).toEqual(foldCompletion(completion));
          expect(decoder.kept ?? []).toEqual(protocol.kept?.(completion) ?? []);
        }),
        { seed: SEED, numRuns: 200 },
      );
    });
  },
);
