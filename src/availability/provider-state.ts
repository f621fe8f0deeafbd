import type { Secret } from '../domain/secret.js';
import { Gate, type Concurrency } from './admission/gate.js';
import { CredentialPool } from './credential-pool.js';

/** What the config says of a provider as far as it bounds calls to it. */
export interface ProviderTerms {
  readonly keys: readonly Secret[];
  readonly concurrency: Concurrency;
}

/** What the models of one provider share: its keys, and the gate where a number bounds them all together. */
export class ProviderState {
  readonly pool: CredentialPool;
  readonly #gate = new Gate(undefined);
  #concurrency: Concurrency;

  constructor({ keys, concurrency }: ProviderTerms) {
    this.pool = new CredentialPool(keys);
    this.#concurrency = concurrency;
    this.#setGate();
  }

  /** The config was reloaded. */
  follow({ keys, concurrency }: ProviderTerms): void {
    this.pool.replace(keys);
    this.#concurrency = concurrency;
    this.#setGate();
  }

  /** Undefined where each model has a gate of its own. */
  get sharedGate(): Gate | undefined {
    return typeof this.#concurrency === 'number' ? this.#gate : undefined;
  }

  /** Of a gate that is a model's own. */
  get ownConcurrency(): 'auto' | undefined {
    return this.#concurrency === 'auto' ? 'auto' : undefined;
  }

  /** A shared gate that is no longer asked lets in all who still wait at it. */
  #setGate(): void {
    this.#gate.concurrency = typeof this.#concurrency === 'number' ? this.#concurrency : undefined;
  }
}
