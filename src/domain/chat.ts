/**
 * The OpenAI chat shapes are the gateway's own language. Only what the gateway reads is named;
 * every other field is carried as it came, never dropped.
 */
export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly stream?: boolean | null;
  readonly stream_options?: StreamOptions | null;
  readonly max_tokens?: number | null;
  readonly max_completion_tokens?: number | null;
  readonly temperature?: number | null;
  readonly top_p?: number | null;
  readonly n?: number | null;
  readonly seed?: number | null;
  readonly stop?: string | readonly string[] | null;
  readonly tools?: readonly ChatTool[] | null;
  readonly tool_choice?: ToolChoice | null;
  readonly parallel_tool_calls?: boolean | null;
  readonly response_format?: ResponseFormat | null;
  readonly reasoning_effort?: string | null;
  readonly [field: string]: unknown;
}

export interface StreamOptions {
  readonly include_usage?: boolean | null;
  readonly include_obfuscation?: boolean | null;
  readonly [field: string]: unknown;
}

export type Role = 'developer' | 'system' | 'user' | 'assistant' | 'tool' | 'function';

export interface ChatMessage {
  readonly role: Role;
  readonly content?: string | readonly ContentPart[] | null;
  readonly name?: string;
  readonly tool_call_id?: string;
  readonly tool_calls?: readonly ToolCall[] | null;
  readonly [field: string]: unknown;
}

export interface ContentPart {
  readonly type: string;
  readonly text?: string;
  readonly [field: string]: unknown;
}

export interface ToolCall {
  readonly id: string;
  readonly type: 'function' | 'custom';
  readonly function?: { readonly name: string; readonly arguments: string };
  readonly custom?: { readonly name: string; readonly input: string };
  readonly [field: string]: unknown;
}

export interface ChatTool {
  readonly type: string;
  readonly function?: {
    readonly name: string;
    readonly description?: string;
    readonly parameters?: JsonSchema;
    readonly strict?: boolean | null;
  };
  readonly [field: string]: unknown;
}

export type ToolChoice = 'none' | 'auto' | 'required' | { readonly type: string; readonly [field: string]: unknown };

export interface ResponseFormat {
  readonly type: string;
  readonly json_schema?: { readonly name: string; readonly schema?: JsonSchema; readonly strict?: boolean | null };
}

export type JsonSchema = Readonly<Record<string, unknown>>;

/** The only values a client may see; OpenAI API reference, "The chat completion object". */
export const FINISH_REASONS = ['stop', 'length', 'tool_calls', 'content_filter', 'function_call'] as const;
export type FinishReason = (typeof FINISH_REASONS)[number];

export interface ChatCompletion {
  readonly id: string;
  readonly object: 'chat.completion';
  /** Unix seconds. */
  readonly created: number;
  readonly model: string;
  readonly choices: readonly ChatChoice[];
  readonly usage?: Usage;
  readonly [field: string]: unknown;
}

export interface ChatChoice {
  readonly index: number;
  readonly message: AssistantMessage;
  readonly finish_reason: FinishReason;
  readonly logprobs: unknown;
  readonly [field: string]: unknown;
}

export interface AssistantMessage {
  readonly role: 'assistant';
  readonly content: string | null;
  readonly refusal: string | null;
  readonly reasoning_content?: string;
  readonly tool_calls?: readonly ToolCall[];
  readonly [field: string]: unknown;
}

export interface ChatCompletionChunk {
  readonly id: string;
  readonly object: 'chat.completion.chunk';
  /** Unix seconds. */
  readonly created: number;
  readonly model: string;
  readonly choices: readonly ChunkChoice[];
  readonly usage?: Usage | null;
  readonly [field: string]: unknown;
}

export interface ChunkChoice {
  readonly index: number;
  readonly delta: Delta;
  readonly finish_reason: FinishReason | null;
  readonly [field: string]: unknown;
}

export interface Delta {
  readonly role?: 'assistant';
  readonly content?: string | null;
  readonly refusal?: string | null;
  readonly reasoning_content?: string;
  readonly tool_calls?: readonly ToolCallDelta[];
  readonly [field: string]: unknown;
}

export interface ToolCallDelta {
  readonly index: number;
  readonly id?: string;
  readonly type?: 'function' | 'custom';
  readonly function?: { readonly name?: string; readonly arguments?: string };
  readonly custom?: { readonly name?: string; readonly input?: string };
  readonly [field: string]: unknown;
}

/** Token counts in OpenAI's arithmetic: `prompt_tokens` holds the cached ones, `completion_tokens` the reasoning. */
export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details?: PromptTokensDetails | null;
  readonly completion_tokens_details?: CompletionTokensDetails | null;
  readonly [field: string]: unknown;
}

export interface PromptTokensDetails {
  readonly cached_tokens?: number;
  readonly cache_write_tokens?: number;
  readonly audio_tokens?: number;
  readonly [field: string]: unknown;
}

export interface CompletionTokensDetails {
  readonly reasoning_tokens?: number;
  readonly audio_tokens?: number;
  readonly [field: string]: unknown;
}
