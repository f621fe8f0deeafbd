import { NAMED_QUIRKS, openaiChat, type Quirks } from '../protocols/openai-chat/index.js';
import { bearerHeaders } from './credentials.js';
import type { CompatibleRow } from './compatible-row.js';
import type { Provider } from './provider.js';
import type { Upstreams } from './upstreams.js';

/** A row brought to life; `named` are the quirks an operator found in a server of his own. */
export function compatibleProvider(row: CompatibleRow, named: readonly string[], upstreams: Upstreams): Provider {
  const quirks = named.reduce<Quirks>((all, name) => ({ ...all, ...NAMED_QUIRKS[name] }), row.quirks ?? {});
  const chat = upstreams.chat({
    protocol: openaiChat(quirks),
    address: (call, path) => ({
      url: call.deployment.endpoint.baseUrl + path,
      headers: bearerHeaders(call, row.headers),
    }),
  });
  return { baseUrl: row.baseUrl, chat };
}
