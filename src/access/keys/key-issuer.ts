import { Injectable } from '@nestjs/common';
import type { VirtualKey } from '../../domain/virtual-key.js';
import { KeyDirectory } from '../directory/key-directory.js';
import { keyPrefix, newKey, newKeyId } from '../key-form.js';
import { keyHash } from '../key-hash.js';
import { type KeyTerms, VirtualKeyStore } from '../virtual-key.store.js';

/** A key just made. `plaintext` is seen here and never again. */
export interface IssuedKey {
  readonly key: VirtualKey;
  readonly plaintext: string;
}

/** Makes keys, changes them and takes them back; in this process all of it holds at once. */
@Injectable()
export class KeyIssuer {
  constructor(
    private readonly store: VirtualKeyStore,
    private readonly directory: KeyDirectory,
  ) {}

  async issue(terms: KeyTerms): Promise<IssuedKey> {
    const plaintext = newKey();
    const hash = keyHash(plaintext);
    const key = { ...terms, id: newKeyId(), hash, prefix: keyPrefix(plaintext), createdAt: Date.now() };
    await this.store.insert(key);
    this.#tell(key);
    return { key, plaintext };
  }

  /** Undefined where there is no such key. */
  async change(id: string, terms: Partial<KeyTerms>): Promise<VirtualKey | undefined> {
    if (Object.keys(terms).length === 0) return this.store.findById(id);
    const key = await this.store.change(id, terms);
    if (key !== undefined) this.#tell(key);
    return key;
  }

  /** A new key in the place of the old one, which stays good for a while. Undefined where there is none to replace. */
  async rotate(id: string, graceMs: number): Promise<IssuedKey | undefined> {
    const plaintext = newKey();
    const key = await this.store.rotate(id, {
      hash: keyHash(plaintext),
      prefix: keyPrefix(plaintext),
      previousGoodUntil: Date.now() + graceMs,
    });
    if (key === undefined) return undefined;
    this.#tell(key);
    return { key, plaintext };
  }

  /** False where there is no such key. */
  async delete(id: string): Promise<boolean> {
    const key = await this.store.delete(id);
    if (key !== undefined) this.#tell(key);
    return key !== undefined;
  }

  #tell({ id, hash, previous }: VirtualKey): void {
    this.directory.apply([{ id, hashes: previous === undefined ? [hash] : [hash, previous.hash], version: 0 }]);
  }
}
