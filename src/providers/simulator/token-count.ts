import type { ChatMessage, ChatRequest, ContentPart } from '../../domain/chat.js';

/** The start of a text, cut where its tokens run out. */
export interface CutText {
  /** The text in pieces as a model writes it: about a token each, never half a character. */
  readonly pieces: readonly string[];
  readonly tokens: number;
  /** False: there was more text than `limit` tokens hold. */
  readonly whole: boolean;
}

/** OpenAI's `o200k_base` encoding. Text that looks like a control token is text. */
export interface Tokenizer {
  count(text: string): number;
  cut(text: string, limit: number): CutText;
}

let loaded: Promise<Tokenizer> | undefined;

/** The tables take 0.3 s and some memory, so they are loaded by the first request that needs them, not at the start. */
export function loadTokenizer(): Promise<Tokenizer> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<Tokenizer> {
  const { encode, decodeGenerator } = await import('gpt-tokenizer/encoding/o200k_base');
  const tokensOf = (span: string): readonly number[] => encode(span, { disallowedSpecial: new Set() });
  return {
    count(text) {
      let tokens = 0;
      for (const span of spansOf(text)) tokens += tokensOf(span).length;
      return tokens;
    },
    cut(text, limit) {
      const tokens: number[] = [];
      for (const span of spansOf(text)) {
        for (const token of tokensOf(span)) tokens.push(token);
        if (tokens.length > limit) break;
      }
      const whole = tokens.length <= limit;
      if (!whole) tokens.length = limit;
      return { pieces: [...decodeGenerator(tokens)], tokens: tokens.length, whole };
    },
  };
}

const SPAN = 8_192;
/** How much is counted before others get their turn: some ten milliseconds. */
const CHARACTERS_A_TURN = 100_000;
const LONGEST_RUN = 128;
const LONG_RUN = /[\p{L}\p{M}]{129,}|\s{129,}|[^\s\p{L}\p{N}]{129,}/gu;
const RUN_PIECE = /[^]{1,128}/gu;

/**
 * Encoding takes the square of the length of a word, minutes for 200,000 equal letters: words far longer than any
 * language has are cut first. All else is cut only between words, where the encoding cuts as well.
 */
function* spansOf(text: string): Generator<string, void> {
  for (let at = 0; at < text.length;) {
    const end = spanEnd(text, at);
    yield* withoutLongRuns(text.slice(at, end));
    at = end;
  }
}

function spanEnd(text: string, at: number): number {
  const limit = at + SPAN;
  if (limit >= text.length) return text.length;
  for (let end = limit; end > limit - SPAN / 2; end -= 1) {
    if (text[end] === ' ' && !isSpace(text[end - 1]) && !isSpace(text[end + 1])) return end;
  }
  const isMidCharacter = text.charCodeAt(limit - 1) >>> 10 === 0xd800 >>> 10;
  return isMidCharacter ? limit - 1 : limit;
}

function isSpace(character: string | undefined): boolean {
  return character === undefined || /\s/.test(character);
}

function withoutLongRuns(span: string): readonly string[] {
  if (span.length <= LONGEST_RUN) return [span];
  const parts: string[] = [];
  let at = 0;
  for (const { 0: run, index } of span.matchAll(LONG_RUN)) {
    if (index > at) parts.push(span.slice(at, index));
    parts.push(...(run.match(RUN_PIECE) ?? []));
    at = index + run.length;
  }
  if (at < span.length) parts.push(span.slice(at));
  return parts;
}

/** What every message costs beside its text, and what opens the answer. */
const PER_MESSAGE = 3;
const PER_NAME = 1;
const ANSWER_OPENING = 3;
const PER_CALL = 3;
const PER_DEFINITIONS = 9;
/** An image in low detail, and one of 1024 × 1024 in high detail: the pictures themselves are not looked at. */
const LOW_DETAIL_IMAGE = 85;
const HIGH_DETAIL_IMAGE = 765;

/**
 * Prompt tokens by OpenAI's counting rule for chat: messages, tool calls and images; definitions of tools and of the
 * answer's schema by the words in them. It lets other work run in the middle of a long conversation.
 */
export async function countPrompt(request: ChatRequest, tokenizer: Tokenizer): Promise<number> {
  let tokens = ANSWER_OPENING;
  let characters = 0;
  for (const part of promptParts(request)) {
    if (typeof part === 'number') {
      tokens += part;
      continue;
    }
    for (const span of spansOf(part)) {
      tokens += tokenizer.count(span);
      characters += span.length;
      if (characters < CHARACTERS_A_TURN) continue;
      characters = 0;
      await new Promise(setImmediate);
    }
  }
  return tokens;
}

/** What is counted of a prompt: texts, and the tokens of what is not text. */
function* promptParts(request: ChatRequest): Generator<string | number, void> {
  for (const message of request.messages) {
    yield PER_MESSAGE;
    yield* messageParts(message);
  }
  const definitions = [request.tools, request['functions'], request.response_format?.json_schema].filter(
    (definition) => definition !== undefined && definition !== null && !isEmptyList(definition),
  );
  if (definitions.length === 0) return;
  yield PER_DEFINITIONS;
  yield wordsOf(definitions);
}

function* messageParts(message: ChatMessage): Generator<string | number, void> {
  const { role, content, name, tool_calls: calls, function_call: functionCall } = message;
  yield role;
  if (typeof name === 'string') {
    yield PER_NAME;
    yield name;
  }
  if (typeof content === 'string') yield content;
  else for (const part of content ?? []) yield contentPart(part);
  for (const called of [...(calls ?? []).map((call) => call.function ?? call.custom), functionCall]) {
    if (typeof called !== 'object' || called === null) continue;
    yield PER_CALL;
    for (const text of Object.values(called)) if (typeof text === 'string') yield text;
  }
}

function contentPart(part: ContentPart): string | number {
  if (part.type !== 'image_url') {
    const text = part.text ?? part['refusal'];
    return typeof text === 'string' ? text : 0;
  }
  const image = part['image_url'];
  const isLow = typeof image === 'object' && image !== null && 'detail' in image && image.detail === 'low';
  return isLow ? LOW_DETAIL_IMAGE : HIGH_DETAIL_IMAGE;
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** The names and texts of a definition, a line each: models are shown tools without the punctuation of JSON. */
function wordsOf(definitions: readonly unknown[]): string {
  const words: string[] = [];
  // A list of what is left, not a recursion: a client can nest more deeply than the stack allows.
  const left: unknown[] = [...definitions].reverse();
  while (left.length > 0) {
    const value = left.pop();
    if (typeof value !== 'object' || value === null) {
      words.push(String(value));
      continue;
    }
    const entries = Object.entries(value).reverse();
    for (const [key, member] of entries) left.push(member, ...(Array.isArray(value) ? [] : [key]));
  }
  return words.join('\n');
}
