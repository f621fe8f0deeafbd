import { Injectable } from '@nestjs/common';
import { anthropicMessages } from '../protocols/anthropic-messages/index.js';
import { isJwt, textSetting } from './credentials.js';
import type { Address } from './protocol-chat.js';
import { ProviderAdapter, type ChatOperation, type Provider, type UpstreamCall } from './provider.js';
import { Upstreams } from './upstreams.js';

/** Anthropic's own API, and Microsoft Foundry's under a base URL that ends in `/anthropic`. */
@ProviderAdapter('anthropic')
@Injectable()
export class AnthropicProvider implements Provider {
  readonly baseUrl = 'https://api.anthropic.com';
  readonly chat: ChatOperation;

  constructor(upstreams: Upstreams) {
    this.chat = upstreams.chat({
      protocol: anthropicMessages(),
      address: anthropicAddress,
      // It fetches what it is given over TLS only (Anthropic reference §2.3).
      mustFetch: (url) => /^http:/i.test(url),
    });
  }
}

/** The base URL is the bare host, as Anthropic's own SDK takes it; with the version segment it is right as well. */
export const anthropicAddress: Address = (call, path, asked) => {
  const { baseUrl } = call.deployment.endpoint;
  const url = baseUrl.endsWith('/v1') ? baseUrl + path.replace(/^\/v1(?=\/)/, '') : baseUrl + path;
  return { url, headers: headersOf(call, asked) };
};

const DEFAULT_VERSION = '2023-06-01';
/** Tokens of a login, which the API takes under this beta only. */
const LOGIN_TOKEN = 'sk-ant-oat';
const LOGIN_BETA = 'oauth-2025-04-20';

/** The config's own headers stand above all others; betas add up, as each belongs to something that is sent. */
function headersOf(call: UpstreamCall, asked: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const own = Object.fromEntries(
    Object.entries(call.deployment.endpoint.headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const key = call.credential?.reveal();
  const betas = new Set([own, asked].flatMap(({ [BETA]: list = '' }) => list.split(',').map((beta) => beta.trim())));
  if (key?.startsWith(LOGIN_TOKEN) === true) betas.add(LOGIN_BETA);
  betas.delete('');
  return {
    'anthropic-version': textSetting(call, 'anthropicVersion') ?? DEFAULT_VERSION,
    ...credentialHeader(key, own),
    ...own,
    ...(betas.size > 0 && { [BETA]: [...betas].join(',') }),
  };
}

const BETA = 'anthropic-beta';

/** Exactly one credential: two are refused. One that the config's headers give is the one. */
function credentialHeader(
  key: string | undefined,
  own: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  if (key === undefined || own['x-api-key'] !== undefined || own['authorization'] !== undefined) return {};
  return key.startsWith(LOGIN_TOKEN) || isJwt(key) ? { authorization: `Bearer ${key}` } : { 'x-api-key': key };
}
