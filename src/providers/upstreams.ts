import { Injectable } from '@nestjs/common';
import { TurnStateKeeper } from '../domain/turn-state.js';
import { HttpTransport } from '../transport/http-transport.js';
import { MediaFetcher } from '../transport/media-fetcher.js';
import { ProtocolChat, type Speech } from './protocol-chat.js';
import type { ChatOperation } from './provider.js';

/** What every adapter needs to reach its provider, and what becomes of it. */
@Injectable()
export class Upstreams {
  constructor(
    private readonly transport: HttpTransport,
    private readonly media: MediaFetcher,
    private readonly turnStates: TurnStateKeeper,
  ) {}

  /** Chat as it is spoken there. */
  chat(speech: Speech): ChatOperation {
    return new ProtocolChat(speech, { transport: this.transport, media: this.media, turnStates: this.turnStates });
  }
}
