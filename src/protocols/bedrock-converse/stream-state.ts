import type { FinishReason, Usage } from '../../domain/chat.js';
import type { Placed } from '../claude/thinking-state.js';
import type { AnswerFacts } from '../protocol.js';
import type { ReasoningDetail } from './reasoning-state.js';

/** A content block that has begun and not ended. */
export type OpenBlock =
  | { readonly kind: 'text'; readonly start: number; readonly citations: readonly unknown[] }
  /** `index`: its place among the tool calls, which is what clients go by. */
  | { readonly kind: 'tool'; readonly index: number; readonly hasInput: boolean }
  /** The tool through which JSON was asked for: its input is the answer's text. */
  | { readonly kind: 'json'; readonly hasInput: boolean }
  | {
      readonly kind: 'reasoning';
      readonly text: string;
      readonly signature: string;
      readonly redacted: string;
      readonly place: Placed;
    }
  /** What ran at Bedrock and is over: no business of the client. */
  | { readonly kind: 'ignored' };

/** What is known of a stream between two events. */
export interface StreamState {
  readonly answer: AnswerFacts;
  /** By Converse's index of the block. */
  readonly blocks: ReadonlyMap<number, OpenBlock>;
  /** Characters of content so far. */
  readonly written: number;
  readonly toolCallIds: readonly string[];
  readonly details: readonly ReasoningDetail[];
  /** How many sources were told of. */
  readonly cited: number;
  /** Text beside JSON that was asked for through a tool: it counts only if the tool is not called. */
  readonly held: string;
  readonly jsonBegun: boolean;
  readonly anything: boolean;
  /** The provider's word for the end. */
  readonly native: string | undefined;
  readonly finish: FinishReason | undefined;
  readonly counted: boolean;
  readonly usage: Usage | undefined;
  /** The tier that served it. */
  readonly tier: string | undefined;
}

export const startStream = (answer: AnswerFacts): StreamState => ({
  answer,
  blocks: new Map(),
  written: 0,
  toolCallIds: [],
  details: [],
  cited: 0,
  held: '',
  jsonBegun: false,
  anything: false,
  native: undefined,
  finish: undefined,
  counted: false,
  usage: undefined,
  tier: undefined,
});

/** The state with this block in the place of what was there. */
export const withBlock = (state: StreamState, index: number, block: OpenBlock): StreamState => ({
  ...state,
  anything: true,
  blocks: new Map(state.blocks).set(index, block),
});

/** The state without the block, which has ended. */
export function withoutBlock(state: StreamState, index: number): StreamState {
  const blocks = new Map(state.blocks);
  blocks.delete(index);
  return { ...state, blocks };
}
