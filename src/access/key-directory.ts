import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { Subscription } from 'rxjs';
import type { Config } from '../config/config.js';
import { LiveConfig } from '../config/live-config.js';
import { OverloadedError } from '../domain/errors.js';
import { keyHash } from './key-hash.js';
import { KEY_START } from './key-form.js';
import { configuredKey, storedKey, type KnownKey } from './known-key.js';
import { VirtualKeyStore } from './virtual-key.store.js';

/** What the store said of a key, and when it was asked (`performance.now()` milliseconds). */
interface Answer {
  readonly key: KnownKey | undefined;
  readonly askedAt: number;
}

/** A key revoked on another replica stops working within the second; a busy key is asked for before that, unnoticed. */
const TRUSTED_MS = 1_000;
const FRESH_MS = 500;
/** How long a request waits for the store, and how long a failed store is left alone. */
const PATIENCE_MS = 1_000;
const PAUSE_MS = 500;
const REMEMBERED = 10_000;

/** Which key is whose: those of the config, and those of the store as it was less than a second ago. */
@Injectable()
export class KeyDirectory implements OnModuleDestroy {
  readonly #logger = new Logger('Keys');
  readonly #subscription: Subscription;
  #configured: ReadonlyMap<string, KnownKey> = new Map();
  // Two, so that a flood of made-up keys does not push out the good ones.
  readonly #known = new LRUCache<string, Answer>({ max: REMEMBERED });
  readonly #unknown = new LRUCache<string, Answer>({ max: REMEMBERED });
  readonly #asking = new Map<string, Promise<KnownKey | undefined>>();
  /** Counts the changes made here: what the store was asked before one of them is not remembered. */
  #changes = 0;
  #failedAt: number | undefined;

  constructor(
    private readonly store: VirtualKeyStore,
    config: LiveConfig,
  ) {
    this.#subscription = config.changes.subscribe(({ keys }) => {
      this.#configured = byHash(keys);
    });
  }

  /**
   * The key, where it is one; at once where it was asked for lately. Rejects with OverloadedError when the store
   * is down and the key not known: a client must not take that for a wrong key.
   */
  find(key: string): KnownKey | undefined | Promise<KnownKey | undefined> {
    const hash = keyHash(key);
    const configured = this.#configured.get(hash);
    // What cannot be a key of ours is not worth a question.
    if (configured !== undefined || !key.startsWith(KEY_START)) return configured;
    const answer = this.#known.get(hash) ?? this.#unknown.get(hash);
    const age = answer === undefined ? Infinity : performance.now() - answer.askedAt;
    if (answer === undefined || (age >= TRUSTED_MS && !this.#mayServeOld(answer))) return this.#ask(hash);
    if (age >= FRESH_MS && !this.#failedLately()) this.#ask(hash).catch(() => undefined);
    return answer.key;
  }

  /** The key was made or deleted by this process: what was heard of it before no longer holds. */
  forget(hash: string): void {
    this.#changes += 1;
    this.#known.delete(hash);
    this.#unknown.delete(hash);
    this.#asking.delete(hash);
  }

  onModuleDestroy(): void {
    this.#subscription.unsubscribe();
  }

  /** With the store down, keys that were good stay good: requests go on being served. */
  #mayServeOld({ key }: Answer): boolean {
    return key !== undefined && this.#failedAt !== undefined;
  }

  #failedLately(): boolean {
    return this.#failedAt !== undefined && performance.now() - this.#failedAt < PAUSE_MS;
  }

  #ask(hash: string): Promise<KnownKey | undefined> {
    const asked = this.#asking.get(hash);
    if (asked !== undefined) return asked;
    if (this.#failedLately()) return Promise.reject(unavailable());
    const question = this.#question(hash, this.#changes).finally(() => {
      if (this.#asking.get(hash) === question) this.#asking.delete(hash);
    });
    this.#asking.set(hash, question);
    return question;
  }

  async #question(hash: string, changes: number): Promise<KnownKey | undefined> {
    const askedAt = performance.now();
    try {
      const found = await inTime(this.store.findByHash(hash));
      const key = found && storedKey(found);
      if (changes === this.#changes) this.#remember(hash, { key, askedAt });
      this.#noteSuccess();
      return key;
    } catch (error) {
      this.#noteFailure(error);
      const last = this.#known.get(hash);
      if (last === undefined) throw unavailable();
      return last.key;
    }
  }

  #remember(hash: string, answer: Answer): void {
    const [into, outOf] = answer.key === undefined ? [this.#unknown, this.#known] : [this.#known, this.#unknown];
    outOf.delete(hash);
    into.set(hash, answer);
  }

  #noteSuccess(): void {
    if (this.#failedAt !== undefined) this.#logger.log('The key store answers again.');
    this.#failedAt = undefined;
  }

  #noteFailure(error: unknown): void {
    if (this.#failedAt === undefined) {
      const reason = error instanceof Error ? error.message : 'unknown failure';
      this.#logger.error(`The key store does not answer (${reason}). Keys seen lately go on working; others get 503.`);
    }
    this.#failedAt = performance.now();
  }
}

function byHash(keys: Config['keys']): ReadonlyMap<string, KnownKey> {
  return new Map(keys.map((key) => [keyHash(key.key.reveal()), configuredKey(key)]));
}

const unavailable = (): OverloadedError =>
  new OverloadedError('API keys cannot be checked at the moment. Please try again shortly.', PAUSE_MS);

async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer within ${PATIENCE_MS} ms`));
    }, PATIENCE_MS);
  });
  return Promise.race([answer, tooLate]).finally(() => {
    clearTimeout(timer);
  });
}
