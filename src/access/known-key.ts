import type { StaticKeyConfig } from '../config/config.js';
import type { Principal } from '../domain/principal.js';
import type { VirtualKey } from '../domain/virtual-key.js';
import { AllowedAddresses } from './allowed-addresses.js';

/** A key as the guard needs it: who it stands for, and whether it may be used now and from there. */
export interface KnownKey {
  readonly principal: Principal;
  readonly disabled: boolean;
  /** Undefined: from anywhere. */
  readonly allowedAddresses: AllowedAddresses | undefined;
}

/** A key from the store. */
export function storedKey(key: VirtualKey): KnownKey {
  const { id, name, models, expiresAt, rpm, tpm, concurrency, budget } = key;
  return {
    principal: { keyId: id, name, models, expiresAt, rpm, tpm, concurrency, budget },
    disabled: key.disabled,
    allowedAddresses: addresses(key.allowedIps),
  };
}

/** A key from the config; its id is made of its name, so that its usage adds up over restarts. */
export function configuredKey(key: StaticKeyConfig): KnownKey {
  const { name, models, expiresAt = null, rpm = null, tpm = null, concurrency = null, budget = null } = key;
  return {
    principal: { keyId: `key_config_${name}`, name, models, expiresAt, rpm, tpm, concurrency, budget },
    disabled: false,
    allowedAddresses: addresses(key.allowedIps),
  };
}

function addresses(allowedIps: readonly string[] | null): AllowedAddresses | undefined {
  return allowedIps === null ? undefined : new AllowedAddresses(allowedIps);
}
