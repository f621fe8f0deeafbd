import type { VirtualKey } from '../domain/virtual-key.js';

export interface Page<T> {
  readonly items: readonly T[];
  /** Passed to the next call to go on; null: that was all. */
  readonly nextCursor: string | null;
}

/** Which page of a list. */
export interface PageWish {
  readonly limit: number;
  readonly cursor: string | null;
}

/** Which keys are looked for; all that is said must hold. */
export interface KeyFilter {
  /** Is part of the name, owner, id or prefix, in capitals or small letters. */
  readonly search?: string;
  readonly owner?: string;
  readonly tag?: string;
  readonly disabled?: boolean;
}

/** What can be changed of a key that is there. */
export type KeyTerms = Omit<VirtualKey, 'id' | 'hash' | 'previous' | 'prefix' | 'createdAt'>;

/** That a key was made, changed or deleted. */
export interface KeyNews {
  readonly id: string;
  /** Of the key itself, and of the one that it replaced. */
  readonly hashes: readonly string[];
  /** Grows with each change of this key. */
  readonly version: number;
}

/** What replaces a key in its rotation. */
export interface Replacement {
  readonly hash: string;
  readonly prefix: string;
  /** Until when the key that is replaced stays good; epoch milliseconds. */
  readonly previousGoodUntil: number;
}

/** Where virtual keys are kept. A deleted one is gone for all but `changed`. */
export abstract class VirtualKeyStore {
  abstract insert(key: VirtualKey): Promise<void>;
  /** By the hash it has, or had before the last rotation. */
  abstract findByHash(hash: string): Promise<VirtualKey | undefined>;
  abstract findById(id: string): Promise<VirtualKey | undefined>;
  /** Newest first. */
  abstract list(page: PageWish, filter?: KeyFilter): Promise<Page<VirtualKey>>;
  /** The key as it is then; undefined where there is none. */
  abstract change(id: string, terms: Partial<KeyTerms>): Promise<VirtualKey | undefined>;
  abstract rotate(id: string, by: Replacement): Promise<VirtualKey | undefined>;
  /** The key as it was; undefined where there was none. */
  abstract delete(id: string): Promise<VirtualKey | undefined>;
  abstract count(): Promise<number>;
  /** The keys that were made, changed or deleted within so many milliseconds, whoever did it. */
  abstract changed(withinMs: number): Promise<readonly KeyNews[]>;
  /** Removes for good what was deleted longer ago than that. */
  abstract purge(deletedForMs: number): Promise<void>;
}
