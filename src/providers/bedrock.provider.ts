import { Injectable } from '@nestjs/common';
import { UpstreamError } from '../domain/errors.js';
import { bedrockConverse, ExpiredCredentialError } from '../protocols/bedrock-converse/index.js';
import type { WireCall } from '../transport/http-transport.js';
import { bearerHeaders } from './credentials.js';
import { bedrockUrl, regionOf } from './bedrock-address.js';
import { AwsCredentials } from './bedrock-credentials.js';
import { signedHeaders } from './bedrock-signing.js';
import type { Address } from './protocol-chat.js';
import { ProviderAdapter, type ChatOperation, type Provider, type UpstreamCall } from './provider.js';
import { RenewingChat } from './renewing-chat.js';
import { Upstreams } from './upstreams.js';

/** Amazon Bedrock, with one of its API keys or as anybody AWS knows. */
@ProviderAdapter('bedrock')
@Injectable()
export class BedrockProvider implements Provider {
  readonly baseUrl = 'https://bedrock-runtime.{region}.amazonaws.com';
  readonly chat: ChatOperation;
  readonly #credentials = new AwsCredentials();

  constructor(upstreams: Upstreams) {
    const chat = upstreams.chat({
      protocol: bedrockConverse,
      address,
      authorize: (call, outgoing) => this.#proof(call, outgoing),
      mustFetch: (url) => /^https?:/i.test(url),
    });
    this.chat = new RenewingChat(chat, {
      isExpired: (error) => error instanceof ExpiredCredentialError,
      renew: (call) => this.#credentials.renew(call),
    });
  }

  /** A key speaks for itself, and so does an `authorization` of the config; all else is signed, each attempt anew. */
  async #proof(call: UpstreamCall, { url, headers, body }: WireCall): Promise<Readonly<Record<string, string>>> {
    if (headers['authorization'] !== undefined) return {};
    const region = regionOf(call);
    if (region === undefined)
      throw new UpstreamError('The provider needs a `region` to sign requests for.', {
        code: 'upstream_authentication',
      });
    const identity = await this.#credentials.identity(call);
    return signedHeaders(identity, { url, body, region, at: new Date() });
  }
}

const address: Address = (call, path) => ({
  url: bedrockUrl(call.deployment.endpoint.baseUrl, path),
  headers: bearerHeaders(call),
});
