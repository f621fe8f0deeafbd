import type { LimitTerms } from './limit.js';

/** A key the gateway issues. The key itself is never kept: only its SHA-256 and enough of its start to recognise it. */
export interface VirtualKey extends LimitTerms {
  readonly id: string;
  /** SHA-256 of the key, hex. */
  readonly hash: string;
  /** What it was before the last rotation. */
  readonly previous?: ReplacedKey;
  /** The first characters of the key, for people to tell keys apart. */
  readonly prefix: string;
  readonly name: string;
  /** The team it belongs to, where there is one of that name. */
  readonly owner: string | null;
  readonly tags: readonly string[];
  /** Globs of model names; null: all. */
  readonly models: readonly string[] | null;
  readonly allowedIps: readonly string[] | null;
  /** Epoch milliseconds. */
  readonly expiresAt: number | null;
  readonly disabled: boolean;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

/** A key that a rotation replaced. It stays good for a while, so that its users can be told of the new one. */
export interface ReplacedKey {
  readonly hash: string;
  /** Epoch milliseconds. */
  readonly goodUntil: number;
}
