import type { VirtualKey } from '../domain/virtual-key.js';

/** A key as the admin API shows it: times in RFC 3339, and nothing it could be used with. */
export function keyView(key: VirtualKey) {
  return {
    id: key.id,
    key_prefix: key.prefix,
    name: key.name,
    owner: key.owner,
    tags: key.tags,
    models: key.models,
    allowed_ips: key.allowedIps,
    rpm: key.rpm,
    tpm: key.tpm,
    concurrency: key.concurrency,
    budget: key.budget,
    expires_at: key.expiresAt === null ? null : new Date(key.expiresAt).toISOString(),
    disabled: key.disabled,
    created_at: new Date(key.createdAt).toISOString(),
  };
}
