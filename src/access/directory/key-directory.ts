import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { Subscription } from 'rxjs';
import { LiveConfig } from '../../config/live-config.js';
import { OverloadedError } from '../../domain/errors.js';
import { KEY_START } from '../key-form.js';
import { keyHash } from '../key-hash.js';
import { TeamDirectory } from '../teams/team-directory.js';
import { VirtualKeyStore, type KeyNews } from '../virtual-key.store.js';
import { configuredKey, ofTeam, storedKey, type KnownKey } from './known-key.js';
import { inTime, PAUSE_MS, StoreState } from './store-state.js';

/** A key, and the team of its owner as the teams were in that version. */
interface Entry {
  key: KnownKey;
  teams: number;
}

/** What is remembered is trusted for as long as the store was asked for news a moment ago. */
const TRUSTED_MS = 1_000;
/** A question for news that takes longer than this may go unanswered: keys are not kept waiting for it. */
const LATE_MS = 500;
const REMEMBERED = 10_000;
/** Questions at a time: made-up keys must not fill the queue of the database, in which everyone else waits, too. */
const MOST_QUESTIONS = 500;

/**
 * Which key is whose: those of the config, and those of the store. A key is asked for once; from then on the poll
 * brings the news of it, so that no request waits for the store.
 */
@Injectable()
export class KeyDirectory implements OnModuleDestroy {
  readonly #subscription: Subscription;
  #configured: ReadonlyMap<string, Entry> = new Map();
  // Two, so that a flood of made-up keys does not push out the good ones.
  readonly #known = new LRUCache<string, Entry>({ max: REMEMBERED });
  readonly #unknown = new LRUCache<string, true>({ max: REMEMBERED });
  readonly #asking = new Map<string, Promise<KnownKey | undefined>>();
  /** Counts the news: what the store was asked before it came is not remembered. */
  #news = 0;
  #freshSince = -Infinity;
  #pollBegan: number | undefined;

  constructor(
    private readonly store: VirtualKeyStore,
    private readonly teams: TeamDirectory,
    readonly state: StoreState,
    config: LiveConfig,
  ) {
    this.#subscription = config.changes.subscribe(({ keys }) => {
      this.#configured = new Map(keys.map((key) => [keyHash(key.key.reveal()), entry(configuredKey(key))]));
    });
  }

  /**
   * The key, where it is one; at once where it was asked for before. Rejects with OverloadedError when the store
   * is down and the key not known: a client must not take that for a wrong key.
   */
  find(key: string): KnownKey | undefined | Promise<KnownKey | undefined> {
    const hash = keyHash(key);
    const configured = this.#configured.get(hash);
    if (configured !== undefined) return this.#current(configured);
    // What cannot be a key of ours is not worth a question.
    if (!key.startsWith(KEY_START)) return undefined;
    const now = performance.now();
    const isFresh = now - this.#freshSince < TRUSTED_MS;
    const known = this.#known.get(hash);
    if (known !== undefined && (isFresh || this.#mustDo(hash, now))) return this.#current(known);
    if (known === undefined && isFresh && this.#unknown.get(hash) === true) return undefined;
    return this.#ask(hash);
  }

  /** Keys were made, changed or deleted, here or elsewhere: what was heard of them before no longer holds. */
  apply(news: readonly KeyNews[]): void {
    if (news.length === 0) return;
    this.#news += 1;
    for (const hash of news.flatMap(({ hashes }) => hashes)) {
      this.#unknown.delete(hash);
      this.#asking.delete(hash);
    }
    const ids = new Set(news.map(({ id }) => id));
    // By id, for after two rotations the news no longer names every hash that is remembered.
    const outdated = [...this.#known.entries()].filter(([, { key }]) => ids.has(key.principal.keyId));
    for (const [hash] of outdated) {
      this.#known.delete(hash);
      this.#asking.delete(hash);
      // At once and not with the next request, which may come when the store is down.
      this.#ask(hash).catch(() => undefined);
    }
  }

  forgetAll(): void {
    this.#news += 1;
    this.#known.clear();
    this.#unknown.clear();
    this.#asking.clear();
  }

  pollBegins(at: number): void {
    this.#pollBegan = at;
  }

  /** All news up to a moment has been applied; undefined: the poll failed. */
  pollEnded(freshSince: number | undefined): void {
    this.#pollBegan = undefined;
    if (freshSince !== undefined) this.#freshSince = freshSince;
  }

  onModuleDestroy(): void {
    this.#subscription.unsubscribe();
  }

  /** Where the store is down, late or busy, keys that were good stay good: requests go on being served. */
  #mustDo(hash: string, now: number): boolean {
    const isLate = this.#pollBegan !== undefined && now - this.#pollBegan > LATE_MS;
    return this.state.isDown || isLate || (this.#isBusy && !this.#asking.has(hash));
  }

  get #isBusy(): boolean {
    return this.#asking.size >= MOST_QUESTIONS;
  }

  #current(entry: Entry): KnownKey {
    if (entry.teams !== this.teams.version) {
      entry.teams = this.teams.version;
      entry.key = ofTeam(entry.key, this.teams.of(entry.key.principal.owner));
    }
    return entry.key;
  }

  #ask(hash: string): Promise<KnownKey | undefined> {
    const asked = this.#asking.get(hash);
    if (asked !== undefined) return asked;
    if (this.state.failedLately || this.#isBusy) return Promise.reject(unavailable());
    const question = this.#question(hash, this.#news).finally(() => {
      if (this.#asking.get(hash) === question) this.#asking.delete(hash);
    });
    this.#asking.set(hash, question);
    return question;
  }

  async #question(hash: string, news: number): Promise<KnownKey | undefined> {
    try {
      const found = await inTime(this.store.findByHash(hash));
      this.state.noteSuccess();
      const answer = found && entry(storedKey(found, hash));
      if (news === this.#news) this.#remember(hash, answer);
      return answer && this.#current(answer);
    } catch (error) {
      this.state.noteFailure(error);
      const last = this.#known.get(hash);
      if (last === undefined) throw unavailable();
      return this.#current(last);
    }
  }

  #remember(hash: string, answer: Entry | undefined): void {
    if (answer === undefined) {
      this.#known.delete(hash);
      this.#unknown.set(hash, true);
    } else {
      this.#unknown.delete(hash);
      this.#known.set(hash, answer);
    }
  }
}

const entry = (key: KnownKey): Entry => ({ key, teams: -1 });

const unavailable = (): OverloadedError =>
  new OverloadedError('API keys cannot be checked at the moment. Please try again shortly.', PAUSE_MS);
