import type { JsonSchema } from '../../domain/chat.js';
import type { ThinkingBlock } from '../claude/thinking-state.js';
import type { Json } from '../json.js';

/** Where the Messages API is served: its paths and what it takes differ a little (Anthropic reference §1). */
export type Host = 'anthropic' | 'vertex';

/** A cache breakpoint. */
export interface CacheControl {
  readonly type: 'ephemeral';
  readonly ttl?: '5m' | '1h';
}

interface Cacheable {
  readonly cache_control?: CacheControl;
}

export interface TextBlock extends Cacheable {
  readonly type: 'text';
  readonly text: string;
}

export type Source =
  | { readonly type: 'base64'; readonly media_type: string; readonly data: string }
  | { readonly type: 'text'; readonly media_type: 'text/plain'; readonly data: string }
  | { readonly type: 'url'; readonly url: string }
  | { readonly type: 'file'; readonly file_id: string };

export interface ImageBlock extends Cacheable {
  readonly type: 'image';
  readonly source: Source;
}

export interface DocumentBlock extends Cacheable {
  readonly type: 'document';
  readonly source: Source;
  readonly title?: string;
  readonly citations?: unknown;
}

/** A block that the client wrote in this dialect itself. */
export interface NativeBlock extends Cacheable {
  readonly type: 'image' | 'document' | 'search_result';
  readonly [field: string]: unknown;
}

export interface ToolUseBlock extends Cacheable {
  readonly type: 'tool_use';
  readonly id: string;
  readonly name: string;
  readonly input: Json;
}

export interface ToolResultBlock extends Cacheable {
  readonly type: 'tool_result';
  readonly tool_use_id: string;
  readonly content?: readonly ContentBlock[];
  readonly is_error?: true;
}

export type ContentBlock = TextBlock | ImageBlock | DocumentBlock | NativeBlock;
export type Block = ContentBlock | ToolUseBlock | ToolResultBlock | ThinkingBlock;

export interface Turn {
  readonly role: 'user' | 'assistant' | 'system';
  readonly content: readonly Block[];
}

export interface FunctionTool extends Cacheable {
  readonly name: string;
  readonly description?: string;
  readonly input_schema: JsonSchema;
  readonly strict?: true;
  readonly [field: string]: unknown;
}

/** A tool of the provider's own, as `web_search_20250305`, that the client wrote in this dialect. */
export interface ServerTool extends Cacheable {
  readonly type: string;
  readonly [field: string]: unknown;
}

export type Tool = FunctionTool | ServerTool;

export type ToolChoice =
  | { readonly type: 'none' }
  | { readonly type: 'auto' | 'any'; readonly disable_parallel_tool_use?: true }
  | { readonly type: 'tool'; readonly name: string; readonly disable_parallel_tool_use?: true };
