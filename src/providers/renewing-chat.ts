import { catchError, defer, tap, throwError, type Observable } from 'rxjs';
import type { ChatCompletion, ChatRequest } from '../domain/chat.js';
import type { ChatFrame } from '../domain/chat-frame.js';
import type { Deployment } from '../domain/deployment.js';
import type { ChatOperation, UpstreamCall, UpstreamRequest } from './provider.js';

/** When to try once more with a fresh credential. */
export interface Renewal {
  /** It was refused for its age. */
  isExpired(error: unknown): boolean;
  /** Forgets the credential; false where there can be no other. */
  renew(call: UpstreamCall): boolean;
}

/** Chat that asks a second time where its credential ran out on the way; nobody notices. */
export class RenewingChat implements ChatOperation {
  constructor(
    private readonly chat: ChatOperation,
    private readonly renewal: Renewal,
  ) {}

  async complete(request: ChatRequest, call: UpstreamCall): Promise<ChatCompletion> {
    try {
      return await this.chat.complete(request, call);
    } catch (error) {
      if (!this.#mayRenew(error, call)) throw error;
      return this.chat.complete(request, call);
    }
  }

  stream(request: ChatRequest, call: UpstreamCall): Observable<ChatFrame> {
    return defer(() => {
      let started = false;
      return this.chat.stream(request, call).pipe(
        tap(() => {
          started = true;
        }),
        catchError((error: unknown) =>
          started || !this.#mayRenew(error, call) ? throwError(() => error) : this.chat.stream(request, call),
        ),
      );
    });
  }

  async explain(request: ChatRequest, call: UpstreamCall): Promise<UpstreamRequest> {
    if (this.chat.explain === undefined) throw new Error('This chat cannot be explained.');
    return this.chat.explain(request, call);
  }

  refuses(deployment: Deployment): readonly string[] {
    return this.chat.refuses?.(deployment) ?? [];
  }

  #mayRenew(error: unknown, call: UpstreamCall): boolean {
    return call.credential === undefined && this.renewal.isExpired(error) && this.renewal.renew(call);
  }
}
