import type { ChatMessage } from '../../../domain/chat.js';
import { earlierCalls, type EarlierCall } from '../../request/earlier-calls.js';
import { googleContent, NO_SIGNATURE, stateOfCall, textSignature } from '../turn-state.js';
import { objectOf, objectsOf, textOf, type Part } from '../wire.js';
import { mediaPart } from './media.js';
import { partsOf } from './parts.js';
import { DEEPEST, type Placed, type SentCall } from './results.js';
import type { Scope } from './scope.js';

export interface AssistantTurn {
  readonly parts: readonly Part[];
  readonly calls: readonly SentCall[];
  readonly carriesState: boolean;
}

/** An earlier turn of the model's, with the signatures that came with it (Gemini reference §3.3). */
export function assistantTurn(placed: Placed, scope: Scope): AssistantTurn {
  const { message, index } = placed;
  reportUnknown(placed, scope);
  const texts = partsOf(message.content, `messages[${index}].content`, scope);
  const spoken = texts.length === 0 ? partsOf(message['refusal'], `messages[${index}].refusal`, scope) : texts;
  const images = objectsOf(message['images']).flatMap((image) => imagePart(image, scope) ?? []);
  const place = { path: `messages[${index}]`, report: scope.report, deepest: DEEPEST };
  const calls = earlierCalls(message, place).map((call) => callPart(call, message, scope));
  const parts = [...signed(spoken, message, scope), ...images, ...withSentinel(calls, scope).map(({ part }) => part)];
  return {
    parts,
    calls: calls.map(({ sent }) => sent),
    carriesState: parts.some(({ thoughtSignature: state }) => state !== undefined && state !== NO_SIGNATURE),
  };
}

/** Models that do not think have no use for what others thought. */
const takesSignatures = ({ facts, target }: Scope): boolean => facts.thinking !== null && !target.withoutState;

function signed(parts: readonly Part[], message: ChatMessage, scope: Scope): readonly Part[] {
  const thoughtSignature = takesSignatures(scope) ? textSignature(message) : undefined;
  if (thoughtSignature === undefined) return parts;
  // It may have come alone, with an empty text: then that is how it goes back.
  return [...parts.slice(0, -1), { ...(parts.at(-1) ?? { text: '' }), thoughtSignature }];
}

function imagePart(image: Readonly<Record<string, unknown>>, scope: Scope): Part | undefined {
  const url = textOf(objectOf(image['image_url'])['url']);
  const part = url === undefined ? undefined : mediaPart(url, 'image/png');
  const signature = takesSignatures(scope) ? textOf(googleContent(image)['thought_signature']) : undefined;
  return part && { ...part, ...(signature !== undefined && { thoughtSignature: signature }) };
}

interface CallPart {
  readonly part: Part;
  readonly sent: SentCall;
}

function callPart(call: EarlierCall, message: ChatMessage, scope: Scope): CallPart {
  const name = scope.names.sent(call.name);
  const state = stateOfCall(call, message['reasoning_details'], scope.target);
  const sentId = idToSend(call, state.id, scope);
  const signature = scope.facts.thinking === null ? undefined : state.signature;
  return {
    part: {
      functionCall: { ...(sentId !== undefined && { id: sentId }), name, args: call.input },
      ...(signature !== undefined && { thoughtSignature: signature }),
    },
    sent: { id: call.id, name, sentId },
  };
}

/**
 * Only models that give calls ids take them, and Vertex AI only where it gave that one itself (Gemini reference §2.2
 * rule 7).
 */
function idToSend({ id }: EarlierCall, given: string | undefined, { facts, host }: Scope): string | undefined {
  if (!facts.signedCalls || id === '') return undefined;
  return given ?? (host === 'gemini' ? id : undefined);
}

/**
 * A model that signs its calls refuses a turn whose first call has lost its signature; later calls of a turn never
 * have one, so nothing is put there.
 */
function withSentinel(calls: readonly CallPart[], { facts }: Scope): readonly CallPart[] {
  const [first, ...others] = calls;
  if (first === undefined || !facts.signedCalls || first.part.thoughtSignature !== undefined) return calls;
  return [{ ...first, part: { ...first.part, thoughtSignature: NO_SIGNATURE } }, ...others];
}

/** What a client echoes of an answer and Gemini does not want back, or what is read above. */
const KNOWN: ReadonlySet<string> = new Set([
  ...['role', 'content', 'name', 'tool_calls', 'function_call', 'refusal', 'images', 'extra_content'],
  ...['reasoning', 'reasoning_content', 'reasoning_details', 'annotations', 'google_parts', 'index'],
]);

function reportUnknown({ message, index }: Placed, { report }: Scope): void {
  for (const field in message)
    if (!KNOWN.has(field) && message[field] != null) report.drop(`messages[${index}].${field}`);
}
