import { Injectable, Logger } from '@nestjs/common';
import { LiveConfig } from '../config/live-config.js';
import { KeyIssuer } from './keys/key-issuer.js';
import { UNBOUNDED } from './keys/key-wish.js';
import { VirtualKeyStore } from './virtual-key.store.js';

/** Makes the key that a first start prints, so that a gateway without any key can be used. */
@Injectable()
export class FirstKey {
  readonly #logger = new Logger('Keys');

  constructor(
    private readonly store: VirtualKeyStore,
    private readonly issuer: KeyIssuer,
    private readonly config: LiveConfig,
  ) {}

  /** The new key `default`; undefined where store or config has a key already, or the store does not answer. */
  async ensure(): Promise<string | undefined> {
    if (this.config.current.keys.length > 0) return undefined;
    try {
      if ((await this.store.count()) > 0) return undefined;
      const { plaintext } = await this.issuer.issue({ name: 'default', ...UNBOUNDED });
      return plaintext;
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'unknown failure';
      this.#logger.warn(`No first key was made, for the key store does not answer (${reason}).`);
      return undefined;
    }
  }
}
