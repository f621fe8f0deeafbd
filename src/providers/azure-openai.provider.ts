import { Injectable } from '@nestjs/common';
import { openaiChat } from '../protocols/openai-chat/index.js';
import { isJwt, textSetting } from './credentials.js';
import { OPENAI_QUIRKS } from './openai-quirks.js';
import { ProviderAdapter, type ChatOperation, type Provider, type UpstreamCall } from './provider.js';
import { Upstreams } from './upstreams.js';

/** Azure OpenAI (Microsoft Foundry): OpenAI's models under deployments with names of their own. */
@ProviderAdapter('azure-openai')
@Injectable()
export class AzureOpenAiProvider implements Provider {
  /** A resource of its own for every customer. */
  readonly baseUrl = 'https://{resourceName}.openai.azure.com';
  readonly ownNames = true;
  readonly chat: ChatOperation;

  constructor(upstreams: Upstreams) {
    this.chat = upstreams.chat({
      protocol: openaiChat(OPENAI_QUIRKS),
      address: (call, path) => ({ url: azureUrl(call, path), headers: azureHeaders(call) }),
    });
  }
}

/**
 * The URL of a call. A base URL that ends in a version (`/openai/v1`) or in Foundry's `/models` is used as it is;
 * a dated `apiVersion` asks for the classic form with the deployment in the path; else `/openai/v1` is added.
 */
export function azureUrl(call: UpstreamCall, path: string): string {
  const { baseUrl } = call.deployment.endpoint;
  const version = textSetting(call, 'apiVersion');
  const query = version === undefined ? '' : `?api-version=${encodeURIComponent(version)}`;
  if (/\/(v\d+|models)$/.test(baseUrl) || baseUrl.includes('/deployments/')) return baseUrl + path + query;
  const dated = version !== undefined && /^\d{4}-/.test(version);
  const root = baseUrl.endsWith('/openai') ? baseUrl : `${baseUrl}/openai`;
  const deployment = dated ? `/deployments/${encodeURIComponent(call.deployment.model)}` : '/v1';
  return root + deployment + path + query;
}

/** Keys go in `api-key`; an Entra token (a JWT) is a bearer token. Never both. */
function azureHeaders({ credential, deployment }: UpstreamCall): Readonly<Record<string, string>> {
  const key = credential?.reveal();
  return {
    ...(key !== undefined && (isJwt(key) ? { authorization: `Bearer ${key}` } : { 'api-key': key })),
    ...deployment.endpoint.headers,
  };
}
