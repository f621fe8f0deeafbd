/**
 * How a model behaves beyond its card: what it accepts and how it is told to think. Catalogue data
 * (`catalog/facts/*.json`), put on a deployment when the routes are built. What is not known is absent.
 */
export interface ModelFacts {
  /** The most tokens of one answer. */
  readonly maxOutputTokens?: number;
  /** A model of the Claude family, wherever it is served. */
  readonly claude?: ClaudeFacts;
  /** A model of Google's, wherever it is served. */
  readonly gemini?: GeminiFacts;
  /** A model as Amazon Bedrock serves it. */
  readonly converse?: ConverseFacts;
}

/** A word that `thinking.type` may be in a request to Claude. */
export type ClaudeThinking = 'adaptive' | 'enabled' | 'disabled' | 'between_tools';

/** What tells the generations of Claude apart. */
export interface ClaudeFacts {
  /** What `thinking.type` may be. */
  readonly thinking: readonly ClaudeThinking[];
  /** It thinks unless it is told not to. */
  readonly thinksByDefault: boolean;
  /** What `output_config.effort` may be; empty: it has no such control. */
  readonly efforts: readonly string[];
  /** The highest effort with which thinking may be `disabled` or `between_tools`. */
  readonly effortWithoutThinking?: string;
  /** `free`: temperature and top_p together; `one`: one of them; `none`: neither, nor top_k. */
  readonly sampling: 'free' | 'one' | 'none';
  /** A tool may be forced. */
  readonly forcedTools: boolean;
  /** The last message may be the assistant's own beginning. */
  readonly prefill: boolean;
  /** System messages may stand between the turns. */
  readonly systemInPlace: boolean;
  /** `output_config.format` and strict tools. */
  readonly structuredOutput: boolean;
  /** Signed thinking is bound to the exact conversation before it. */
  readonly boundThinking: boolean;
}

/** What tells Google's models apart. */
export interface GeminiFacts {
  /** `level`: one of these; `budget`: tokens between these bounds, 0 only where it can be switched off; null: it does not think. */
  readonly thinking:
    | { readonly kind: 'level'; readonly levels: readonly string[] }
    | { readonly kind: 'budget'; readonly least: number; readonly most: number; readonly canBeOff: boolean }
    | null;
  /** It refuses a function call of its own that comes back without its signature, and gives calls ids. */
  readonly signedCalls: boolean;
  /** A JSON schema may be asked for together with function tools. */
  readonly schemaWithTools: boolean;
  /** Images may stand inside a function's response. */
  readonly mediaInResults: boolean;
  readonly systemInstruction: boolean;
  /** Presence and frequency penalties, on the Gemini API; Vertex AI has them for all. */
  readonly penalties: boolean;
  /** `mediaResolution` on a part. */
  readonly mediaResolution: boolean;
  /** Tokens of one answer that a single request may ask for, where more would be a continuation. */
  readonly outputCap?: { readonly stream: number; readonly whole: number };
}

/** What tells the families apart that speak Bedrock's one dialect. */
export interface ConverseFacts {
  /** How thinking is asked for; absent: it cannot be. */
  readonly thinking?: 'claude' | 'gpt-oss' | 'gpt' | 'nova';
  readonly system: boolean;
  readonly tools: boolean;
  /** Calls of tools can be streamed; where they cannot, the answer is asked for whole. */
  readonly toolStreaming: boolean;
  /** Which forced choices it takes. */
  readonly toolChoice: readonly ('any' | 'tool')[];
  /** The most stop sequences it takes. */
  readonly stopSequences: number;
  /** Temperature and top_p; what Claude takes of them is told by its own facts. */
  readonly sampling: boolean;
  /** Where top_k goes; absent: nowhere. */
  readonly topK?: 'top_k' | 'inferenceConfig';
  /** `outputConfig.textFormat` is understood. */
  readonly structuredOutput: boolean;
  readonly strictTools: boolean;
  /** Schemas of tools must not refer to parts of themselves. */
  readonly plainSchemas: boolean;
  /** Other content may stand beside tool results. */
  readonly mixedResults: boolean;
  /** `status` of a tool result is understood. */
  readonly resultStatus: boolean;
  /** Ids of tool calls are exactly nine letters or digits. */
  readonly shortToolCallIds: boolean;
  readonly cachePoints: boolean;
}
