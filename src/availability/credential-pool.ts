import { createHash } from 'node:crypto';
import type { Secret } from '../domain/secret.js';

/** As whom a provider is called. */
export interface Credential {
  /** The first 12 hex digits of the key's SHA-256, the same on all replicas; `none` where the provider has no keys. */
  readonly id: string;
  readonly secret: Secret | undefined;
}

/** A credential as operators may see it. */
export interface CredentialReport extends Credential {
  /** The end of the key, by which its owner knows it. */
  readonly shown: string;
  readonly status: 'active' | 'shelved';
  /** In ms since 1970; undefined: not shelved. */
  readonly until: number | undefined;
}

interface Member extends Credential {
  readonly shown: string;
  /** Refusals with 403 since the last success. */
  forbidden: number;
  /** `performance.now()` in ms. */
  shelvedAt: number;
  shelvedUntil: number;
}

const SHELF_MS = 5 * 60_000;
/** A 403 may be about one model or one request; three in a row are about the key. */
const FORBIDDEN_IN_A_ROW = 3;
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

  get credentials(): readonly CredentialReport[] {
    const now = performance.now();
    return this.#members.map(({ id, shown, secret, shelvedUntil }) => {
      const isShelved = shelvedUntil > now;
      const until = isShelved ? Math.round(Date.now() + shelvedUntil - now) : undefined;
      return { id, shown, secret, status: isShelved ? 'shelved' : 'active', until };
    });
  }

  has(id: string): boolean {
    return this.#member(id) !== undefined;
  }

  /** The next in turn of those that will do. */
  next(willDo: (credential: Credential) => boolean): Credential | undefined {
    const { length } = this.#members;
    for (let step = 0; step < length; step++) {
      const place = (this.#turn + step) % length;
      const member = this.#members[place];
      if (member === undefined || !willDo(member)) continue;
      this.#turn = place + 1;
      return member;
    }
    return undefined;
  }

  /** `performance.now()` in ms; 0 where it never was. */
  shelvedUntil(id: string): number {
    return this.#member(id)?.shelvedUntil ?? 0;
  }

  /** A call that began at `since` was served. What began before the credential was shelved does not prove the shelving wrong. */
  accepted(id: string, since: number): void {
    const member = this.#member(id);
    if (member === undefined || since < member.shelvedAt) return;
    member.forbidden = 0;
    member.shelvedUntil = 0;
  }

  refused(id: string, status: number): void {
    const member = this.#member(id);
    if (member === undefined) return;
    if (status === 403 && ++member.forbidden < FORBIDDEN_IN_A_ROW) return;
    member.forbidden = 0;
    member.shelvedAt = performance.now();
    member.shelvedUntil = member.shelvedAt + SHELF_MS;
  }

  /** Pools are of a few keys: a search is no slower than a map. */
  #member(id: string): Member | undefined {
    return this.#members.find((member) => member.id === id);
  }
}

function newMember(secret: Secret | undefined): Member {
  return { ...described(secret), secret, forbidden: 0, shelvedAt: 0, shelvedUntil: 0 };
}

function described(secret: Secret | undefined): { readonly id: string; readonly shown: string } {
  if (secret === undefined) return { id: 'none', shown: 'none' };
  const key = secret.reveal();
  return {
    id: createHash('sha256').update(key).digest('hex').slice(0, 12),
    shown: key.length < SHOWN_FROM_LENGTH ? '…' : `…${key.slice(-4)}`,
  };
}
