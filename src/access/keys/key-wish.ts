import { isAddressBlock } from '../directory/allowed-addresses.js';
import { given, invalid, limitTerms, UNLIMITED } from '../limit-terms.js';
import type { KeyTerms } from '../virtual-key.store.js';
import type { ChangeKeyDto, CreateKeyDto } from './key.dto.js';

/** A key that may do everything, for ever. */
export const UNBOUNDED: Omit<KeyTerms, 'name'> = {
  owner: null,
  tags: [],
  models: null,
  allowedIps: null,
  ...UNLIMITED,
  expiresAt: null,
  disabled: false,
};

/** The checked body of `POST /admin/keys`. Throws InvalidRequestError for a bad address, budget or time. */
export function keyWish(body: CreateKeyDto): KeyTerms {
  return { ...UNBOUNDED, ...termsOf(body), name: body.name };
}

/** The checked body of `PATCH /admin/keys/{id}`. Throws as `keyWish` does, and where the name is to go. */
export function keyChange(body: ChangeKeyDto): Partial<KeyTerms> {
  if (body.name === null) throw invalid('name', 'a key cannot be without one');
  return { ...termsOf(body), ...(body.name !== undefined && { name: body.name }) };
}

function termsOf(body: Omit<ChangeKeyDto, 'name'>): Partial<KeyTerms> {
  const { owner, tags, models, allowed_ips: blocks, expires_at: expiry, disabled } = body;
  const listed = given({
    owner,
    tags: tags === null ? [] : tags,
    models,
    allowedIps: blocks && addressBlocks(blocks),
    expiresAt: typeof expiry === 'string' ? instant(expiry) : expiry,
    disabled: disabled === null ? false : disabled,
  });
  return { ...listed, ...limitTerms(body) };
}

function addressBlocks(blocks: readonly string[]): readonly string[] {
  const wrong = blocks.findIndex((block) => !isAddressBlock(block));
  if (wrong >= 0) throw invalid(`allowed_ips[${wrong}]`, 'must be an IP address or a block such as 10.0.0.0/8');
  return blocks;
}

function instant(text: string): number {
  const at = Date.parse(text);
  // What reads as a time may still be 30 February, which Date takes for 2 March, or a leap second, which it does not take.
  const day = text.slice(0, 10);
  if (Number.isNaN(at) || new Date(day).toISOString().slice(0, 10) !== day)
    throw invalid('expires_at', 'is not a time that exists');
  return at;
}
