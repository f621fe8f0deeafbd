import { Injectable } from '@nestjs/common';
import { geminiGenerateContent, isWithGoogle } from '../protocols/gemini-generate-content/index.js';
import type { Address } from './protocol-chat.js';
import { ProviderAdapter, type ChatOperation, type Provider } from './provider.js';
import { Upstreams } from './upstreams.js';

/** Google's Gemini API (AI Studio). */
@ProviderAdapter('gemini')
@Injectable()
export class GeminiProvider implements Provider {
  readonly baseUrl = 'https://generativelanguage.googleapis.com';
  readonly chat: ChatOperation;

  constructor(upstreams: Upstreams) {
    this.chat = upstreams.chat({
      protocol: geminiGenerateContent({ host: 'gemini' }),
      address: geminiAddress,
      mustFetch: (url) => !isWithGoogle(url),
    });
  }
}

/** A base URL that names a version is used with that one. The key is never part of the URL: those end up in logs. */
const geminiAddress: Address = ({ credential, deployment }, path) => {
  const { baseUrl, headers } = deployment.endpoint;
  const hasVersion = /\/v\d+[a-z]*\d*$/.test(baseUrl);
  return {
    url: baseUrl + (hasVersion ? path.replace(/^\/v1beta/, '') : path),
    headers: { ...(credential && { 'x-goog-api-key': credential.reveal() }), ...headers },
  };
};
