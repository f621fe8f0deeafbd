import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import type { Secret } from '../domain/secret.js';
import type { TurnState } from '../domain/turn-state.js';
import type { SealedTurnState } from './turn-state.store.js';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts turn states and binds each to its virtual key, its tool call and its format: a row that was changed, or moved
 * to where it does not belong, does not open. Replicas with one secret read each other's.
 */
export class StateSeal {
  readonly #idKey: Buffer;
  readonly #stateKey: Buffer;

  constructor(secret: Secret) {
    this.#idKey = derived(secret, 'parley turn-state id');
    this.#stateKey = derived(secret, 'parley turn-state');
  }

  /** What the state is filed under. A keyed digest: ids are neither told nor guessed from it. */
  idOf(owner: string, toolCallId: string): string {
    return createHmac('sha256', this.#idKey)
      .update(JSON.stringify([owner, toolCallId]))
      .digest('base64url');
  }

  seal(owner: string, { toolCallId, format, value }: TurnState, expiresAt: number): SealedTurnState {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, this.#stateKey, iv, { authTagLength: TAG_BYTES });
    cipher.setAAD(bound(owner, toolCallId, format));
    const sealed = Buffer.concat([iv, cipher.update(value, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return { id: this.idOf(owner, toolCallId), format, payload: sealed.toString('base64'), expiresAt };
  }

  /** Undefined: it was sealed with another secret, for somebody else, or is not what was sealed. */
  open(owner: string, toolCallId: string, { format, payload }: SealedTurnState): TurnState | undefined {
    const sealed = Buffer.from(payload, 'base64');
    if (sealed.length < IV_BYTES + TAG_BYTES) return undefined;
    const iv = sealed.subarray(0, IV_BYTES);
    const decipher = createDecipheriv(CIPHER, this.#stateKey, iv, { authTagLength: TAG_BYTES });
    decipher.setAAD(bound(owner, toolCallId, format));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    try {
      const value = Buffer.concat([decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
      return { toolCallId, format, value: value.toString('utf8') };
    } catch {
      return undefined; // the tag is not that of these bytes
    }
  }
}

/** As JSON, so that no two triples become one text. */
const bound = (...parts: readonly string[]): Buffer => Buffer.from(JSON.stringify(parts));

function derived(secret: Secret, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret.reveal(), '', purpose, KEY_BYTES));
}
