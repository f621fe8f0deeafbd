export interface DiscoverySettings {
  /** `PARLEY_DISCOVERY=off`: no model server is looked for. */
  readonly enabled: boolean;
  /** `OLLAMA_HOST`, as Ollama itself reads it. */
  readonly ollamaHost: string | undefined;
}

/** What the environment says of the search for model servers on this machine. */
export function discoverySettings(env: Readonly<Record<string, string | undefined>> = process.env): DiscoverySettings {
  const host = env['OLLAMA_HOST'];
  return { enabled: env['PARLEY_DISCOVERY'] !== 'off', ollamaHost: host === '' ? undefined : host };
}
