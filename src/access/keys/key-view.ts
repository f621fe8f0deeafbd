import { Exclude, Expose, instanceToPlain, Transform } from 'class-transformer';
import type { Budget } from '../../domain/limit.js';
import type { VirtualKey } from '../../domain/virtual-key.js';

const rfc3339 = (at: number): string => new Date(at).toISOString();

/** Epoch milliseconds as RFC 3339. */
const Instant = () =>
  Transform(({ value }: { readonly value: number | null }) => (value === null ? null : rfc3339(value)), {
    toPlainOnly: true,
  });

/** A key as the admin API shows it. Only what is named here is shown, so its hash never is. */
@Exclude()
export class KeyDto {
  @Expose() readonly id!: string;
  @Expose({ name: 'key_prefix', toPlainOnly: true }) readonly prefix!: string;
  @Expose() readonly name!: string;
  @Expose() readonly owner!: string | null;
  @Expose() readonly tags!: readonly string[];
  @Expose() readonly models!: readonly string[] | null;
  @Expose({ name: 'allowed_ips', toPlainOnly: true }) readonly allowedIps!: readonly string[] | null;
  @Expose() readonly rpm!: number | null;
  @Expose() readonly tpm!: number | null;
  @Expose() readonly concurrency!: number | null;
  @Expose() readonly budget!: Budget | null;
  @Expose({ name: 'expires_at', toPlainOnly: true }) @Instant() readonly expiresAt!: number | null;
  @Expose() readonly disabled!: boolean;
  @Expose({ name: 'created_at', toPlainOnly: true }) @Instant() readonly createdAt!: number;
}

/** With the end of the old key's grace, where there is an old key that is still good. */
export function keyView(key: VirtualKey): Readonly<Record<string, unknown>> {
  const { previous } = key;
  const hasGrace = previous !== undefined && previous.goodUntil > Date.now();
  return {
    ...instanceToPlain(Object.assign(new KeyDto(), key)),
    ...(hasGrace && { previous_key_expires_at: rfc3339(previous.goodUntil) }),
  };
}
