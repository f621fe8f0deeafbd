import { LRUCache } from 'lru-cache';
import { createHash } from 'node:crypto';
import type { Secret } from '../domain/secret.js';
import { Shelf } from './shelf.js';

/** As whom a provider is called. */
export interface Credential {
  /** The first 12 hex digits of the key's SHA-256, the same on all replicas; `none` where the provider has no keys. */
  readonly id: string;
  readonly secret: Secret | undefined;
}

/** A credential as operators may see it. */
export interface CredentialReport {
  readonly id: string;
  /** The end of the key, by which its owner knows it. */
  readonly shown: string;
  readonly status: 'active' | 'shelved';
  /** In ms since 1970; undefined: not shelved. */
  readonly until: number | undefined;
  /** For which models alone it is shelved; null: for all, or for none. */
  readonly models: readonly string[] | null;
}

interface Member extends Credential {
  readonly shown: string;
  /** For the provider as a whole. */
  readonly shelf: Shelf;
  /** For one model: what it may not use, or cannot pay for. Clients choose the names of models. */
  readonly shelves: LRUCache<string, Shelf>;
}

const MOST_SHELVES = 200;
/** Whose key it is, is the same for every model. */
const UNKNOWN_KEY = 401;
/** The end of a short key would be too much of it. */
const SHOWN_FROM_LENGTH = 12;

/** The keys of one provider, taken in turn by all its models. */
export class CredentialPool {
  #members: readonly Member[] = [];
  #turn = 0;

  constructor(keys: readonly Secret[]) {
    this.replace(keys);
  }

  /** Keys that stay keep what is known of them. */
  replace(keys: readonly Secret[]): void {
    const wanted = (keys.length === 0 ? [undefined] : keys).map(newMember);
    const distinct = new Map(wanted.map((member) => [member.id, this.#member(member.id) ?? member]));
    this.#members = [...distinct.values()];
  }

  get all(): readonly Credential[] {
    return this.#members;
  }

  get reports(): readonly CredentialReport[] {
    const now = performance.now();
    return this.#members.map(({ id, shown, shelf, shelves }) => {
      const models = [...shelves.entries()].filter(([, { until }]) => until > now);
      const last = Math.max(shelf.until, ...models.map(([, { until }]) => until));
      const isOnlyForSome = shelf.until <= now && models.length > 0;
      return {
        id,
        shown,
        status: last > now ? 'shelved' : 'active',
        until: last > now ? Math.round(Date.now() + last - now) : undefined,
        models: isOnlyForSome ? models.map(([model]) => model).toSorted() : null,
      };
    });
  }

  has(id: string): boolean {
    return this.#member(id) !== undefined;
  }

  /** The next in turn of those that will do. */
  next(willDo: (credential: Credential) => boolean): Credential | undefined {
    const { length } = this.#members;
    for (let step = 0; step < length; step++) {
      const index = (this.#turn + step) % length;
      const member = this.#members[index];
      if (member === undefined || !willDo(member)) continue;
      this.#turn = index + 1;
      return member;
    }
    return undefined;
  }

  /** For this model; `performance.now()` in ms, 0 where it never was. */
  shelvedUntil(id: string, model: string): number {
    const member = this.#member(id);
    return Math.max(member?.shelf.until ?? 0, member?.shelves.get(model)?.until ?? 0);
  }

  /** A call that began at `since` was served. */
  accepted(id: string, model: string, since: number): void {
    const member = this.#member(id);
    member?.shelf.accepted(since);
    member?.shelves.get(model)?.accepted(since);
  }

  /** A key that nobody knows is put aside for all models; one that may not, or cannot pay, for this one. */
  refused(id: string, model: string, status: number): void {
    const member = this.#member(id);
    if (member === undefined) return;
    if (status === UNKNOWN_KEY) return member.shelf.refused(status);
    const shelf = member.shelves.get(model) ?? new Shelf();
    member.shelves.set(model, shelf);
    shelf.refused(status);
  }

  /** Pools are of a few keys: a search is no slower than a map. */
  #member(id: string): Member | undefined {
    return this.#members.find((member) => member.id === id);
  }
}

function newMember(secret: Secret | undefined): Member {
  return { ...described(secret), secret, shelf: new Shelf(), shelves: new LRUCache({ max: MOST_SHELVES }) };
}

function described(secret: Secret | undefined): { readonly id: string; readonly shown: string } {
  if (secret === undefined) return { id: 'none', shown: 'none' };
  const key = secret.reveal();
  return {
    id: createHash('sha256').update(key).digest('hex').slice(0, 12),
    shown: key.length < SHOWN_FROM_LENGTH ? '…' : `…${key.slice(-4)}`,
  };
}
