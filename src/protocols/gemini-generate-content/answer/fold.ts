import type { AssistantMessage, ChatChoice, Delta, ToolCall, ToolCallDelta } from '../../../domain/chat.js';
import { objectOf, objectsOf, textOf } from '../wire.js';
import type { Piece } from '../../stream-reducer.js';

/** The pieces of a whole answer as its choices. */
export function foldedChoices(pieces: readonly Piece[]): readonly ChatChoice[] {
  const byIndex = new Map<number, Piece[]>();
  for (const piece of pieces) {
    const own = byIndex.get(piece.index);
    if (own === undefined) byIndex.set(piece.index, [piece]);
    else own.push(piece);
  }
  return [...byIndex].sort(([a], [b]) => a - b).map(([index, own]) => foldedChoice(index, own));
}

function foldedChoice(index: number, pieces: readonly Piece[]): ChatChoice {
  const last = pieces.at(-1);
  const logprobs = pieces.flatMap((piece) => objectsOf(objectOf(piece.logprobs)['content']));
  return {
    index,
    message: foldedMessage(pieces.map(({ delta }) => delta)),
    finish_reason: last?.finish ?? 'stop',
    logprobs: logprobs.length === 0 ? null : { content: logprobs, refusal: null },
    ...(last?.native !== undefined && last.native !== last.finish && { native_finish_reason: last.native }),
  };
}

function foldedMessage(deltas: readonly Delta[]): AssistantMessage {
  const joined = (field: string) => textOf(deltas.map((delta) => textOf(delta[field]) ?? '').join(''));
  const listed = (field: string) => deltas.flatMap((delta) => objectsOf(delta[field]));
  const lists = ['images', 'google_parts', 'annotations', 'reasoning_details'].map(
    (name) => [name, listed(name)] as const,
  );
  const calls = deltas.flatMap((delta) => delta.tool_calls ?? []).map(withoutIndex);
  const google = {};
  for (const delta of deltas) Object.assign(google, objectOf(objectOf(delta['extra_content'])['google']));
  const audio = foldedAudio(listedAudio(deltas));
  const reasoning = joined('reasoning_content');
  const wordless = calls.length > 0 || audio !== undefined;
  return {
    role: 'assistant',
    content: joined('content') ?? (wordless ? null : ''),
    refusal: joined('refusal') ?? null,
    ...(reasoning !== undefined && { reasoning_content: reasoning }),
    ...(calls.length > 0 && { tool_calls: calls }),
    ...(audio && { audio }),
    ...Object.fromEntries(lists.filter(([, list]) => list.length > 0)),
    ...(Object.keys(google).length > 0 && { extra_content: { google } }),
  };
}

const withoutIndex = ({ index: _index, ...call }: ToolCallDelta): ToolCall => call as ToolCall;

const listedAudio = (deltas: readonly Delta[]) =>
  deltas.flatMap(({ audio }) => (audio === undefined ? [] : [objectOf(audio)]));

/** Each stretch was encoded for itself. */
function foldedAudio(stretches: readonly Readonly<Record<string, unknown>>[]): object | undefined {
  const [first, ...others] = stretches;
  if (first === undefined || others.length === 0) return first;
  const bytes = stretches.map(({ data }) => Buffer.from(String(data), 'base64'));
  return { ...first, data: Buffer.concat(bytes).toString('base64') };
}
