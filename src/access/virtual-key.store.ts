import type { VirtualKey } from '../domain/virtual-key.js';

export interface Page<T> {
  readonly items: readonly T[];
  /** Passed to the next call to go on; null: that was all. */
  readonly nextCursor: string | null;
}

/** Where virtual keys are kept. */
export abstract class VirtualKeyStore {
  abstract insert(key: VirtualKey): Promise<void>;
  abstract findByHash(hash: string): Promise<VirtualKey | undefined>;
  abstract findById(id: string): Promise<VirtualKey | undefined>;
  /** Newest first. */
  abstract list(page: { readonly limit: number; readonly cursor: string | null }): Promise<Page<VirtualKey>>;
  /** False where there was no such key. */
  abstract delete(id: string): Promise<boolean>;
  abstract count(): Promise<number>;
}
