import type { UpstreamCall } from './provider.js';

/** The headers of a provider that takes its key as a bearer token; the config's own headers stand above them. */
export function bearerHeaders(
  { credential, deployment }: UpstreamCall,
  more: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  return {
    ...more,
    ...(credential && { authorization: `Bearer ${credential.reveal()}` }),
    ...deployment.endpoint.headers,
  };
}

/** A text setting of the provider, where the config or the environment gives it. */
export function textSetting({ deployment }: UpstreamCall, name: string): string | undefined {
  const value = deployment.endpoint.settings[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A token of a login, which goes where a key would not: keys of no provider look like a JSON Web Token. */
export const isJwt = (key: string): boolean => /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/.test(key);

/** What went wrong on the way to a credential, in a few words for the operator's log. */
export const reasonOf = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).slice(0, 500);
