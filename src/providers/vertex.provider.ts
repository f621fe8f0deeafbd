import { Injectable } from '@nestjs/common';
import type { ChatRequest } from '../domain/chat.js';
import type { Deployment } from '../domain/deployment.js';
import { anthropicMessages } from '../protocols/anthropic-messages/index.js';
import { geminiGenerateContent, isWithGoogle } from '../protocols/gemini-generate-content/index.js';
import { openaiChat } from '../protocols/openai-chat/index.js';
import { textSetting } from './credentials.js';
import { GoogleAccess } from './google-access.js';
import {
  ProviderAdapter,
  type ChatOperation,
  type Provider,
  type UpstreamCall,
  type UpstreamRequest,
} from './provider.js';
import { Upstreams } from './upstreams.js';
import { expressKey, HOST_OF_LOCATION, vertexAddress, vertexDoor, type VertexDoor } from './vertex-address.js';

/** Vertex AI: Google's models, Claude and open models under one account of Google Cloud. */
@ProviderAdapter('vertex')
@Injectable()
export class VertexProvider implements Provider {
  readonly baseUrl = HOST_OF_LOCATION;
  readonly chat: ChatOperation;

  constructor(upstreams: Upstreams) {
    const access = new GoogleAccess();
    const authorize = (call: UpstreamCall) => proofOf(call, access);
    this.chat = new VertexChat({
      gemini: upstreams.chat({
        protocol: geminiGenerateContent({ host: 'vertex' }),
        address: vertexAddress('gemini'),
        authorize,
        mustFetch: (url) => !isWithGoogle(url),
      }),
      claude: upstreams.chat({
        protocol: anthropicMessages({ host: 'vertex' }),
        address: vertexAddress('claude'),
        authorize,
        mustFetch: (url) => /^https?:/i.test(url),
      }),
      open: upstreams.chat({ protocol: openaiChat({}), address: vertexAddress('open'), authorize }),
    });
  }
}

/** A chat with whichever publisher the model is of. */
class VertexChat implements ChatOperation {
  constructor(private readonly doors: Readonly<Record<VertexDoor, ChatOperation>>) {}

  complete(request: ChatRequest, call: UpstreamCall) {
    return this.doors[vertexDoor(call.deployment)].complete(request, call);
  }

  stream(request: ChatRequest, call: UpstreamCall) {
    return this.doors[vertexDoor(call.deployment)].stream(request, call);
  }

  refuses(deployment: Deployment): readonly string[] {
    return this.doors[vertexDoor(deployment)].refuses?.(deployment) ?? [];
  }

  async explain(request: ChatRequest, call: UpstreamCall): Promise<UpstreamRequest> {
    const explained = await this.doors[vertexDoor(call.deployment)].explain?.(request, call);
    if (explained === undefined) throw new Error('What is spoken at an address can always be explained.');
    return explained;
  }
}

/** An API key needs no more; a token may be given in its place, and else Google makes one. */
async function proofOf(call: UpstreamCall, access: GoogleAccess): Promise<Readonly<Record<string, string>>> {
  if (expressKey(call) !== undefined) return {};
  const token = call.credential?.reveal() ?? (await access.token(textSetting(call, 'credentialsFile')));
  return { authorization: `Bearer ${token}` };
}
