import type { ChatRequest, FinishReason, Usage } from '../../../domain/chat.js';
import { lastUserText } from './conversation.js';
import { replyText } from './reply-text.js';
import { MAX_REPLY_TOKENS, type SimulatorOptions } from '../simulator-options.js';
import type { CutText, Tokenizer } from '../token-count.js';
import { chooseTools, type Tool, type ToolChoice } from './tool-choice.js';
import { structuredText, toolInput } from './tool-input.js';

/** What is answered, before it is written as one object or as chunks. */
export interface Reply {
  readonly choices: readonly ReplyChoice[];
  readonly usage: Usage;
  /** How many alternatives a token's log probability is shown with; undefined: none were asked for. */
  readonly topLogprobs: number | undefined;
}

export interface ReplyChoice {
  /** The text in pieces of about a token; null beside tool calls. */
  readonly content: readonly string[] | null;
  readonly calls: readonly ReplyCall[];
  readonly finishReason: FinishReason;
}

export interface ReplyCall {
  readonly kind: Tool['kind'];
  readonly name: string;
  /** Arguments or input, in pieces of about a token. */
  readonly input: readonly string[];
}

/** What a reply depends on beside the request. */
export interface ReplyTerms {
  readonly options: SimulatorOptions;
  /** The model that repeats what it is told. */
  readonly echo: boolean;
  readonly promptTokens: number;
  readonly tokenizer: Tokenizer;
}

/** All choices together stay below this, so that one request cannot fill the memory. */
const MAX_TOKENS = 131_072;
const MAX_CHOICES = 128;
/** Calls over all choices, unless there are more choices: each takes a sample of a schema, which may be a large one. */
const MAX_CALLS = 128;
/** What a call costs beside its name and input. */
const PER_CALL = 3;

/** The same request and options give the same reply. Throws InvalidRequestError for schemas it cannot meet. */
export function replyTo(request: ChatRequest, terms: ReplyTerms): Reply {
  const count = Math.min(Math.max(1, request.n ?? 1), MAX_CHOICES);
  const limit = tokenLimit(request, count);
  const { tools, must } = chooseTools(request);
  const choice = { must, tools: tools.slice(0, Math.max(1, Math.floor(MAX_CALLS / count))) };
  const written = Array.from({ length: count }, (_, index) => writeChoice(request, terms, { index, limit, choice }));
  const completionTokens = written.reduce((sum, { tokens }) => sum + tokens, 0);
  const top = request['top_logprobs'];
  return {
    choices: written.map(({ reply }) => reply),
    usage: usageOf(terms.promptTokens, completionTokens),
    topLogprobs: request['logprobs'] === true ? (typeof top === 'number' ? top : 0) : undefined,
  };
}

function tokenLimit({ max_completion_tokens: limit, max_tokens: oldLimit }: ChatRequest, count: number): number {
  return Math.min(Math.max(1, limit ?? oldLimit ?? Infinity), MAX_REPLY_TOKENS, Math.floor(MAX_TOKENS / count));
}

interface ChoicePlace {
  readonly index: number;
  /** The most tokens it may have. */
  readonly limit: number;
  readonly choice: ToolChoice;
}

interface Written {
  readonly reply: ReplyChoice;
  readonly tokens: number;
}

function writeChoice(
  request: ChatRequest,
  { options, echo, tokenizer }: ReplyTerms,
  { index, limit, choice: { tools, must } }: ChoicePlace,
): Written {
  const seed = (options.seed ?? request.seed ?? 0) + index;
  if (tools.length > 0 && (must || options.text === undefined)) {
    const userText = lastUserText(request);
    const calls = tools.map((tool, place) => ({ tool, input: toolInput(tool, userText, seed + place) }));
    return writeCalls(calls, tokenizer, limit);
  }
  const prose = replyText(request, options, { seed, echo });
  const text = options.text ?? formatted(request, prose, seed);
  const { pieces, tokens, whole } = tokenizer.cut(beforeStop(text, request.stop), limit);
  return { reply: { content: pieces, calls: [], finishReason: whole ? 'stop' : 'length' }, tokens };
}

function writeCalls(
  calls: readonly { readonly tool: Tool; readonly input: string }[],
  tokenizer: Tokenizer,
  limit: number,
): Written {
  const written: ReplyCall[] = [];
  let tokens = 0;
  let last: CutText | undefined;
  for (const { tool, input } of calls) {
    tokens += PER_CALL + tokenizer.count(tool.name);
    last = tokenizer.cut(input, Math.max(0, limit - tokens));
    tokens += last.tokens;
    written.push({ kind: tool.kind, name: tool.name, input: last.pieces });
    if (!last.whole) break;
  }
  const called = written[0]?.kind === 'legacy' ? 'function_call' : 'tool_calls';
  const finishReason = last?.whole === false ? 'length' : called;
  return { reply: { content: null, calls: written, finishReason }, tokens: Math.min(tokens, limit) };
}

/** The text as the response format wants it. */
function formatted({ response_format: format }: ChatRequest, prose: string, seed: number): string {
  switch (format?.type) {
    case 'json_object':
      return JSON.stringify({ simulated: true, message: prose });
    case 'json_schema':
      return structuredText(format.json_schema?.schema, seed);
    default:
      return prose;
  }
}

/** A stop text never appears in an answer. */
function beforeStop(text: string, stop: ChatRequest['stop']): string {
  const found = [stop ?? []]
    .flat()
    .filter((sequence) => sequence !== '')
    .map((sequence) => text.indexOf(sequence))
    .filter((at) => at !== -1);
  return text.slice(0, Math.min(text.length, ...found));
}

function usageOf(promptTokens: number, completionTokens: number): Usage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}
