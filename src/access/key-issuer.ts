import { Injectable } from '@nestjs/common';
import type { VirtualKey } from '../domain/virtual-key.js';
import { KeyDirectory } from './key-directory.js';
import { keyPrefix, newKey, newKeyId } from './key-form.js';
import { keyHash } from './key-hash.js';
import { VirtualKeyStore } from './virtual-key.store.js';

/** What is decided about a key before it is made. */
export type KeyWish = Omit<VirtualKey, 'id' | 'hash' | 'prefix' | 'createdAt'>;

/** A key just made. `plaintext` is seen here and never again. */
export interface IssuedKey {
  readonly key: VirtualKey;
  readonly plaintext: string;
}

/** Makes keys and takes them back; in this process either holds at once. */
@Injectable()
export class KeyIssuer {
  constructor(
    private readonly store: VirtualKeyStore,
    private readonly directory: KeyDirectory,
  ) {}

  async issue(wish: KeyWish): Promise<IssuedKey> {
    const plaintext = newKey();
    const hash = keyHash(plaintext);
    const key = { ...wish, id: newKeyId(), hash, prefix: keyPrefix(plaintext), createdAt: Date.now() };
    await this.store.insert(key);
    this.directory.forget(hash);
    return { key, plaintext };
  }

  /** False where there is no such key. */
  async revoke(id: string): Promise<boolean> {
    const key = await this.store.findById(id);
    if (key === undefined) return false;
    const deleted = await this.store.delete(id);
    this.directory.forget(key.hash);
    return deleted;
  }
}
