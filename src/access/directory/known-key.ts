import type { StaticKeyConfig } from '../../config/config.js';
import type { Team } from '../../domain/limit.js';
import type { Principal } from '../../domain/principal.js';
import type { VirtualKey } from '../../domain/virtual-key.js';
import { AllowedAddresses } from './allowed-addresses.js';

/** A key as the guard needs it: who it stands for, and whether it may be used now and from there. */
export interface KnownKey {
  readonly principal: Principal;
  readonly disabled: boolean;
  /** Undefined: from anywhere. */
  readonly allowedAddresses: AllowedAddresses | undefined;
  /** It was replaced, and is good until then: epoch milliseconds. */
  readonly graceEndsAt?: number;
}

/** A key from the store, found by this hash: the one it has, or the one it had before. */
export function storedKey(key: VirtualKey, hash: string): KnownKey {
  const { id, name, owner, tags, models, expiresAt, rpm, tpm, concurrency, budget, previous } = key;
  return {
    principal: { keyId: id, name, owner, tags, models, expiresAt, rpm, tpm, concurrency, budget },
    disabled: key.disabled,
    allowedAddresses: addresses(key.allowedIps),
    ...(hash === previous?.hash && { graceEndsAt: previous.goodUntil }),
  };
}

/** A key from the config; its id is made of its name, so that its usage adds up over restarts. */
export function configuredKey(key: StaticKeyConfig): KnownKey {
  const { name, owner = null, tags, models, expiresAt = null } = key;
  const { rpm = null, tpm = null, concurrency = null, budget = null } = key;
  return {
    principal: {
      keyId: `key_config_${name}`,
      ...{ name, owner, tags, models, expiresAt },
      ...{ rpm, tpm, concurrency, budget },
    },
    disabled: false,
    allowedAddresses: addresses(key.allowedIps),
  };
}

/** The same key with the team that its owner is now. */
export function ofTeam(key: KnownKey, team: Team | undefined): KnownKey {
  return { ...key, principal: { ...key.principal, team } };
}

function addresses(allowedIps: readonly string[] | null): AllowedAddresses | undefined {
  return allowedIps === null ? undefined : new AllowedAddresses(allowedIps);
}
