import { Injectable } from '@nestjs/common';
import { hash, timingSafeEqual } from 'node:crypto';
import { LiveConfig } from '../config/live-config.js';
import type { Secret } from '../domain/secret.js';

/** The one key that opens the admin API. */
@Injectable()
export class AdminKey {
  #digested: { readonly secret: Secret; readonly digest: Buffer } | undefined;

  constructor(private readonly config: LiveConfig) {}

  get isSet(): boolean {
    return this.config.current.adminKey !== undefined;
  }

  /** Takes the same time whatever is presented: digests have one length, and are compared whole. */
  matches(presented: string): boolean {
    const { adminKey } = this.config.current;
    return adminKey !== undefined && timingSafeEqual(sha256(presented), this.#digestOf(adminKey));
  }

  #digestOf(secret: Secret): Buffer {
    if (this.#digested?.secret !== secret) this.#digested = { secret, digest: sha256(secret.reveal()) };
    return this.#digested.digest;
  }
}

const sha256 = (text: string): Buffer => hash('sha256', text, 'buffer');
