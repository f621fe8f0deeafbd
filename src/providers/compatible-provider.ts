import { NAMED_QUIRKS, openaiChat, type Quirks } from '../protocols/openai-chat/index.js';
import type { HttpTransport } from '../transport/http-transport.js';
import { bearerHeaders } from './bearer.js';
import type { CompatibleRow } from './compatible-row.js';
import { ProtocolChat } from './protocol-chat.js';
import type { Provider } from './provider.js';

/** A row brought to life; `named` are the quirks an operator found in a server of his own. */
export function compatibleProvider(row: CompatibleRow, named: readonly string[], transport: HttpTransport): Provider {
  const quirks = named.reduce<Quirks>((all, name) => ({ ...all, ...NAMED_QUIRKS[name] }), row.quirks ?? {});
  const chat = new ProtocolChat(
    openaiChat(quirks),
    (call, path) => ({ url: call.deployment.endpoint.baseUrl + path, headers: bearerHeaders(call, row.headers) }),
    transport,
  );
  return { baseUrl: row.baseUrl, chat };
}
