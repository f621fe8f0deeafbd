import type { ProviderType } from '../config/provider-type.js';
import type { Quirks } from '../protocols/openai-chat/index.js';

/** A provider that speaks OpenAI's dialect: one row is all it takes to add one. */
export interface CompatibleRow {
  /** As in `type:` of the config; its environment variables begin with it, unless the row names others. */
  readonly type: string;
  /** `{setting}` stands for a setting of the provider. Null: the config must say. */
  readonly baseUrl: string | null;
  readonly keyless?: boolean;
  readonly keyEnv?: readonly string[];
  readonly baseUrlEnv?: readonly string[];
  readonly settings?: NonNullable<ProviderType['settings']>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly quirks?: Quirks;
}
