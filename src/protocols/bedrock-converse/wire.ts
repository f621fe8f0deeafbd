import type { Json } from '../json.js';

/** What is sent to Converse, as far as it is made here (Bedrock reference §2). */
export interface ConverseRequest {
  readonly messages: readonly Turn[];
  readonly system?: readonly Block[];
  readonly inferenceConfig?: Json;
  readonly toolConfig?: ToolConfig;
  readonly outputConfig?: Json;
  readonly additionalModelRequestFields?: Json;
  readonly requestMetadata?: Json;
  readonly serviceTier?: Json;
  readonly guardrailConfig?: Json;
  readonly performanceConfig?: Json;
}

export interface Turn {
  readonly role: 'user' | 'assistant' | 'system';
  readonly content: Block[];
}

/** A content block: an object with one member, which says of what kind it is. */
export type Block = Json;

export interface ToolConfig {
  readonly tools: readonly Json[];
  readonly toolChoice?: Json;
}
