import type { ChatRequest } from '../../../domain/chat.js';
import { ClaudeRequest } from '../../claude/claude-request.js';
import type { TargetModel } from '../../protocol.js';
import type { Host } from '../wire.js';

/** One request on its way into the dialect of one host. */
export class Translation extends ClaudeRequest {
  readonly #betas = new Set<string>();

  constructor(
    request: ChatRequest,
    target: TargetModel,
    readonly host: Host,
  ) {
    super(request, target);
  }

  /** Something that is sent needs this beta. */
  needs(beta: string): void {
    this.#betas.add(beta);
  }

  get headers(): Readonly<Record<string, string>> {
    return this.#betas.size === 0 ? {} : { 'anthropic-beta': [...this.#betas].join(',') };
  }
}
