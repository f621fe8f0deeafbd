/** What the config has to know of a kind of provider; the provider folder supplies the list. */
export interface ProviderType {
  /** As in `type:` of the config. */
  readonly type: string;
  /** Environment variables that hold its key; the first that is set counts. */
  readonly keyEnv: readonly string[];
  /** Environment variables that redirect it; the first that is set counts. */
  readonly baseUrlEnv: readonly string[];
  /** It works without a key, so its base URL in the environment is enough to find it. */
  readonly keyless?: boolean;
  /** It has no address of its own: the config must give `baseUrl`. */
  readonly needsBaseUrl?: boolean;
  /** Settings that its own address is made of: without a `baseUrl` the config must give them. */
  readonly addressSettings?: readonly string[];
  /** Keys beyond those every provider takes, each with the environment variables that supply it, if any. */
  readonly settings?: Readonly<Record<string, ProviderSetting>>;
  /** The names that `quirks` may hold; absent: any. */
  readonly quirks?: readonly string[];
}

export interface ProviderSetting {
  readonly env?: string | readonly string[];
  /** A `secret` is never printed, and no variable supplies it. */
  readonly kind: 'string' | 'secret' | 'map';
}
