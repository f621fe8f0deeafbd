import type { AssistantMessage, ChatCompletion, ToolCall } from '../../domain/chat.js';
import { placeAfter } from '../claude/thinking-state.js';
import { checkedCompletion } from '../json-answer/checked-completion.js';
import { isObject, isShallow, type Json } from '../json.js';
import type { AnswerFacts } from '../protocol.js';
import {
  answerIn,
  contentIn,
  inputText,
  isClientTool,
  listOf,
  objectOf,
  reasoningIn,
  textOf,
  toolName,
} from './answer-reading.js';
import { citedBy } from './citations.js';
import { finishReason } from './finish-reason.js';
import { CONVERSE_STATE, reasoningDetail } from './reasoning-state.js';
import { distinctToolCallId } from './tool-ids.js';
import { serviceTier, usageFrom } from './usage.js';

/** An answer of Converse as a completion (Bedrock reference §3). Throws UpstreamError for what is none. */
export function converseCompletion(body: Buffer, answer: AnswerFacts): ChatCompletion {
  const wire = answerIn(body);
  const said = contentIn(wire);
  const { message, toolCalls } = messageOf(said, answer);
  const native = textOf(wire['stopReason']);
  const anything = said.length > 0;
  const reason = finishReason(native, { anything, toolCalls });
  const usage = usageFrom(wire['usage']);
  const tier = serviceTier(wire);
  const { id, created, model } = answer;
  const completion: ChatCompletion = {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: [
      {
        index: 0,
        message,
        finish_reason: reason,
        logprobs: null,
        ...(native !== '' && native !== reason && { native_finish_reason: native }),
      },
    ],
    ...(usage && { usage }),
    ...(tier !== undefined && { service_tier: tier }),
    ...(isObject(wire['trace']) && isShallow(wire['trace'], DEEPEST_TRACE) && { trace: wire['trace'] }),
  };
  return checkedCompletion(completion, answer.asked);
}

/** What a guardrail tells of its judgement; it is passed on as it came. */
const DEEPEST_TRACE = 16;

/** A message as it grows block by block. */
interface Draft {
  content: string;
  saidText: boolean;
  /** The input of the tool through which JSON was asked for. */
  json: string | undefined;
  reasoning: string;
  readonly details: Json[];
  readonly annotations: Json[];
  readonly citations: Json[];
  readonly calls: ToolCall[];
  readonly usedIds: Set<string>;
}

function messageOf(
  blocks: readonly unknown[],
  answer: AnswerFacts,
): { readonly message: AssistantMessage; readonly toolCalls: boolean } {
  const draft: Draft = {
    content: '',
    saidText: false,
    json: undefined,
    reasoning: '',
    details: [],
    annotations: [],
    citations: [],
    calls: [],
    usedIds: new Set(),
  };
  for (const block of blocks) if (isObject(block)) addBlock(draft, block, answer);
  const { content, saidText, json, reasoning, details, annotations, citations, calls } = draft;
  const message: AssistantMessage = {
    role: 'assistant',
    // What a model says beside the JSON it was asked for is no part of the answer.
    content: json ?? (saidText || calls.length === 0 ? content : null),
    refusal: null,
    ...(reasoning !== '' && { reasoning_content: reasoning }),
    ...(details.length > 0 && { reasoning_details: details }),
    ...(annotations.length > 0 && { annotations }),
    ...(citations.length > 0 && { citations }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
  return { message, toolCalls: calls.length > 0 };
}

function addBlock(draft: Draft, block: Json, answer: AnswerFacts): void {
  if (typeof block['text'] === 'string') addText(draft, block['text']);
  if (isObject(block['citationsContent'])) addCited(draft, block['citationsContent']);
  if (isObject(block['reasoningContent'])) addReasoning(draft, block['reasoningContent'], answer);
  if (isObject(block['toolUse']) && isClientTool(block['toolUse'])) addCall(draft, block['toolUse'], answer);
}

function addText(draft: Draft, text: string): void {
  draft.content += text;
  draft.saidText = true;
}

function addCited(draft: Draft, cited: Json): void {
  const start = draft.content.length;
  for (const part of listOf(cited['content'])) addText(draft, textOf(objectOf(part)['text']));
  const span = { start, end: draft.content.length };
  const known = draft.annotations.length + draft.citations.length;
  const { annotations = [], citations = [] } = citedBy(listOf(cited['citations']), span, known);
  for (const annotation of annotations) draft.annotations.push(annotation);
  for (const citation of citations) draft.citations.push(citation);
}

function addReasoning(draft: Draft, content: Json, { asked }: AnswerFacts): void {
  const reasoning = reasoningIn(content);
  draft.reasoning += reasoning.text;
  const { content: said, calls, details } = draft;
  const format = asked.stateFormat ?? CONVERSE_STATE;
  // Text beside the tool for JSON is no part of the answer, so nothing stands behind it.
  const place = placeAfter(asked.jsonTool === undefined ? said.length : 0, calls.length);
  const detail = reasoningDetail(reasoning, { format, ...place, index: details.length });
  if (detail !== undefined) details.push(detail);
}

function addCall(draft: Draft, wire: Json, answer: AnswerFacts): void {
  const { asked } = answer;
  const name = textOf(wire['name']);
  const input = inputText(wire['input'] ?? {});
  if (name === asked.jsonTool) {
    draft.json ??= input;
    return;
  }
  const id = distinctToolCallId(wire['toolUseId'], `${answer.id}:${draft.calls.length}`, draft.usedIds);
  draft.usedIds.add(id);
  draft.calls.push({ id, type: 'function', function: { name: toolName(name, answer), arguments: input } });
}
