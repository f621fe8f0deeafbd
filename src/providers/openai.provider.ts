import { Injectable } from '@nestjs/common';
import { openaiChat } from '../protocols/openai-chat/index.js';
import { bearerHeaders, textSetting } from './credentials.js';
import { OPENAI_QUIRKS } from './openai-quirks.js';
import type { Address } from './protocol-chat.js';
import { ProviderAdapter, type ChatOperation, type Provider } from './provider.js';
import { Upstreams } from './upstreams.js';

/** OpenAI's own API. */
@ProviderAdapter('openai')
@Injectable()
export class OpenAiProvider implements Provider {
  readonly baseUrl = 'https://api.openai.com/v1';
  readonly chat: ChatOperation;

  constructor(upstreams: Upstreams) {
    this.chat = upstreams.chat({ protocol: openaiChat(OPENAI_QUIRKS), address });
  }
}

const address: Address = (call, path) => {
  const organization = textSetting(call, 'organization');
  const project = textSetting(call, 'project');
  const account = {
    ...(organization !== undefined && { 'openai-organization': organization }),
    ...(project !== undefined && { 'openai-project': project }),
  };
  return { url: call.deployment.endpoint.baseUrl + path, headers: bearerHeaders(call, account) };
};
