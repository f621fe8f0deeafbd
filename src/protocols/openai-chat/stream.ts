import type { ChatCompletionChunk, ChunkChoice, Usage } from '../../domain/chat.js';
import type { AnswerFacts } from '../protocol.js';
import { reportedFailure } from './failure.js';
import { closeChoice, FRESH_CHOICE, isPlainDelta, mayThink, stepChoice, type ChoiceState } from './stream-choice.js';
import { usageFrom } from './usage.js';
import { objectsIn, type WireAnswer, type WireChoice } from './wire.js';

/** What is known of a stream between two chunks. */
export interface StreamState {
  readonly answer: AnswerFacts;
  /** `id`, `created` and `model` of the first chunk that had them: they stay the same to the end. */
  readonly head: Head | undefined;
  readonly choices: ReadonlyMap<number, ChoiceState>;
  readonly usage: Usage | undefined;
  /** As which the answer is billed; the last chunk that says it counts. */
  readonly serviceTier: string | undefined;
  /** The provider's own usage chunk, kept for the fields beside the counts. */
  readonly usageChunk: WireAnswer | undefined;
  /** The chunk whose end is held back, for the fields beside the choice. */
  readonly endChunk: WireAnswer | undefined;
}

interface Head {
  readonly id: string;
  readonly created: number;
  readonly model: string;
}

export interface StreamStep {
  readonly state: StreamState;
  readonly chunks: readonly ChatCompletionChunk[];
  /** The chunk is right as it is, and more text is all it says. */
  readonly plain?: boolean;
}

export const startStream = (answer: AnswerFacts): StreamState => ({
  answer,
  head: undefined,
  choices: new Map(),
  usage: undefined,
  serviceTier: undefined,
  usageChunk: undefined,
  endChunk: undefined,
});

/** Every choice that began has ended. */
export const isComplete = ({ choices }: StreamState): boolean =>
  choices.size > 0 && [...choices.values()].every(({ finished }) => finished);

/**
 * One chunk of a provider, put right (OpenAI wire §2.5–2.6). A chunk that needs nothing is returned itself,
 * so that its bytes can be sent on. Throws UpstreamError for an error in the stream.
 */
export function stepStream(state: StreamState, wire: WireAnswer, thinkTags: boolean): StreamStep {
  if (isPlain(state, wire, thinkTags)) return { state, chunks: [wire as unknown as ChatCompletionChunk], plain: true };
  const failure = reportedFailure(wire);
  if (failure !== undefined) throw failure;
  const opened = openedBy(state, wire);
  const choices = Array.isArray(wire.choices) ? objectsIn(wire.choices as WireChoice[]) : [];
  const head = opened.head ?? headOf(wire, opened.answer);
  if (choices.length === 0)
    return { state: opened, chunks: wire['moderation'] == null ? [] : [rebuilt(wire, head, [])] };
  const known = new Map(opened.choices);
  const parts: ChunkChoice[][] = [];
  let { endChunk } = opened;
  for (const choice of choices) {
    const index = Number.isInteger(choice.index) ? (choice.index as number) : 0;
    const step = stepChoice(known.get(index) ?? FRESH_CHOICE, choice, { index, id: head.id, thinkTags });
    known.set(index, step.state);
    if (step.state.heldEnd !== undefined) endChunk ??= wire;
    step.choices.forEach((part, at) => (parts[at] ??= []).push(part));
  }
  return {
    state: { ...opened, head, choices: known, endChunk },
    chunks: parts.map((part) => sameOrRebuilt(wire, head, part)),
  };
}

/** The chunks that every choice still owes, once the provider has said that this was all. */
export function closeStream(state: StreamState): StreamStep {
  const head = state.head ?? state.answer;
  const owed = [...state.choices.values()].flatMap(closeChoice);
  const closed = new Map([...state.choices].map(([index, choice]) => [index, { ...choice, heldEnd: undefined }]));
  return {
    state: { ...state, choices: closed },
    chunks: owed.map((choice) => rebuilt(state.endChunk ?? {}, head, [choice])),
  };
}

/** The usage chunk, made of what the provider said; undefined where it said nothing. */
export function usageChunk({ head, usage, usageChunk: wire, answer }: StreamState): ChatCompletionChunk | undefined {
  return usage && { ...rebuilt(wire ?? {}, head ?? answer, []), usage };
}

/** By far the most frequent chunk: more text of a choice that has begun. */
function isPlain({ head, choices }: StreamState, wire: WireAnswer, thinkTags: boolean): boolean {
  if (head === undefined || !hasHead(wire, head)) return false;
  if (wire.error != null || wire.usage != null || wire.x_groq != null) return false;
  const [choice, another] = (wire.choices ?? []) as readonly WireChoice[];
  if (choice === undefined || another !== undefined) return false;
  const state = choices.get(choice.index as number);
  if (state === undefined || (thinkTags && mayThink(state))) return false;
  return isPlainDelta(state, choice);
}

const hasHead = (wire: WireAnswer, { id, created, model }: Head): boolean =>
  wire.id === id && wire.created === created && wire.model === model && wire.object === 'chat.completion.chunk';

/** Notes the tier, and the usage wherever it stands. */
function openedBy(state: StreamState, wire: WireAnswer): StreamState {
  const { service_tier: tier } = wire;
  const told = typeof tier === 'string' && tier !== state.serviceTier ? { ...state, serviceTier: tier } : state;
  return withUsage(told, wire);
}

function withUsage(state: StreamState, wire: WireAnswer): StreamState {
  const choice = Array.isArray(wire.choices) ? (wire.choices[0] as WireChoice | undefined) : undefined;
  const usage = usageFrom(wire.usage) ?? usageFrom(wire.x_groq?.usage) ?? usageFrom(choice?.usage);
  if (usage === undefined) return state;
  return { ...state, usage, usageChunk: choice === undefined ? wire : undefined };
}

function headOf(wire: WireAnswer, answer: AnswerFacts): Head {
  return {
    id: typeof wire.id === 'string' && wire.id !== '' ? wire.id : answer.id,
    created: typeof wire.created === 'number' && wire.created > 0 ? Math.floor(wire.created) : answer.created,
    model: typeof wire.model === 'string' && wire.model !== '' ? wire.model : answer.model,
  };
}

function sameOrRebuilt(wire: WireAnswer, head: Head, choices: readonly ChunkChoice[]): ChatCompletionChunk {
  const same =
    hasHead(wire, head) &&
    wire.usage == null &&
    wire.x_groq?.usage === undefined &&
    choices.length === (wire.choices as unknown[]).length &&
    choices.every((choice, index) => choice === (wire.choices as unknown[])[index]);
  return same ? (wire as unknown as ChatCompletionChunk) : rebuilt(wire, head, choices);
}

function rebuilt(wire: WireAnswer, { id, created, model }: Head, choices: readonly ChunkChoice[]): ChatCompletionChunk {
  const { id: _i, object: _o, created: _c, model: _m, choices: _ch, usage: _u, x_groq: groq, ...rest } = wire;
  const { usage: _told, ...others } = groq ?? {}; // usage has one place, and is told only to those who ask
  const more = Object.keys(others).length > 0 ? { x_groq: others } : {};
  return { id, object: 'chat.completion.chunk', created, model, choices, ...rest, ...more };
}
