import type { Delta } from '../../../domain/chat.js';
import { MAX_TOOL_CALL_ID, shortToolCallId } from '../../../domain/ids.js';
import { isObject, isShallow, type Json } from '../../json.js';
import { UpstreamError } from '../../../domain/errors.js';
import type { AnswerFacts } from '../../protocol.js';
import type { Piece, Step } from '../../stream-reducer.js';
import type { Placed, PlacedThinking } from '../../claude/thinking-state.js';

/** What is known of a message between two of its events. */
export interface MessageState {
  /** Stands in for the ids the provider left out. */
  readonly fallbackId: string;
  readonly jsonTool: string | undefined;
  /** The provider's id of the message. */
  readonly id: string | undefined;
  readonly model: string | undefined;
  readonly usage: Json;
  /** The blocks that have begun and not ended, by the provider's index, which counts blocks of all kinds. */
  readonly open: ReadonlyMap<number, OpenBlock>;
  /** How many tool calls, thinking blocks, annotations and other citations there were: clients index them from 0. */
  readonly counts: Counts;
  /** Where in the whole text the next piece of it begins. */
  readonly textLength: number;
  /** Text that waits until it is known whether the JSON tool is called, whose input then is the text instead. */
  readonly held: string;
  readonly calledJsonTool: boolean;
  readonly firstToolCall: string | undefined;
  readonly thinking: readonly PlacedThinking[];
  readonly stop: Stop | undefined;
  /** The end was told to the client. */
  readonly ended: boolean;
}

export interface Counts {
  readonly tools: number;
  readonly thoughts: number;
  readonly annotations: number;
  readonly citations: number;
}

/** One content block as it grows. What is of no use to the client is `ignored`, with all that belongs to it. */
export type OpenBlock =
  | { readonly kind: 'text'; readonly start: number; readonly citations: readonly Json[] }
  | {
      readonly kind: 'thinking';
      readonly index: number;
      readonly text: string;
      readonly signature: string;
      readonly told: boolean;
      readonly place: Placed;
    }
  | { readonly kind: 'tool'; readonly index: number; readonly input: Input }
  | { readonly kind: 'json'; readonly input: Input }
  | { readonly kind: 'ignored' };

/** How a tool's input comes: none yet, whole with its block's start, or in parts. */
export type Input = 'none' | 'whole' | 'parts';

export interface Stop {
  readonly reason: string;
  readonly details: Json;
  /** Which of the stop texts it was; '' where it was none. */
  readonly text: string;
}

export const initialState = ({ id, asked }: AnswerFacts): MessageState => ({
  fallbackId: id,
  jsonTool: asked.jsonTool,
  id: undefined,
  model: undefined,
  usage: {},
  open: new Map(),
  counts: { tools: 0, thoughts: 0, annotations: 0, citations: 0 },
  textLength: 0,
  held: '',
  calledJsonTool: false,
  firstToolCall: undefined,
  thinking: [],
  stop: undefined,
  ended: false,
});

export type MessageStep = Step<MessageState>;

export const piece = (delta: Delta): Piece => ({ index: 0, delta });

export const withBlock = (state: MessageState, index: number, block: OpenBlock): MessageState => ({
  ...state,
  open: new Map(state.open).set(index, block),
});

export function withoutBlock(state: MessageState, index: number): MessageState {
  const open = new Map(state.open);
  open.delete(index);
  return { ...state, open };
}

export const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** An id clients can use: there, and no longer than the contract allows. */
export function clientToolCallId(id: unknown, fallback: string): string {
  if (typeof id !== 'string' || id === '') return shortToolCallId(fallback);
  return id.length > MAX_TOOL_CALL_ID ? shortToolCallId(id) : id;
}

/** A tool's input as JSON text; '' where it has none yet. */
export function inputText(input: unknown): string {
  if (!isObject(input) || Object.keys(input).length === 0) return '';
  if (isShallow(input, DEEPEST)) return JSON.stringify(input);
  throw new UpstreamError('The provider called a tool with an input that is nested too deeply.', {
    code: 'invalid_upstream_answer',
  });
}

const DEEPEST = 500;
