import { InvalidRequestError } from '../domain/errors.js';
import type { Budget } from '../domain/limit.js';
import { isAddressBlock } from './allowed-addresses.js';
import type { CreateKeyDto } from './create-key.dto.js';
import type { KeyWish } from './key-issuer.js';

const PERIODS: readonly Budget['per'][] = ['day', 'week', 'month', 'total'];

/** The checked body of `POST /admin/keys` as a wish. Throws InvalidRequestError for a bad address, budget or time. */
export function keyWish(body: CreateKeyDto): KeyWish {
  return {
    name: body.name,
    owner: body.owner ?? null,
    tags: body.tags ?? [],
    models: body.models ?? null,
    allowedIps: addressBlocks(body.allowed_ips ?? null),
    rpm: body.rpm ?? null,
    tpm: body.tpm ?? null,
    concurrency: body.concurrency ?? null,
    budget: budget(body.budget ?? null),
    expiresAt: instant(body.expires_at ?? null),
    disabled: body.disabled ?? false,
  };
}

function addressBlocks(blocks: readonly string[] | null): readonly string[] | null {
  const wrong = blocks?.findIndex((block) => !isAddressBlock(block)) ?? -1;
  if (wrong >= 0) throw invalid(`allowed_ips[${wrong}]`, 'must be an IP address or a block such as 10.0.0.0/8');
  return blocks;
}

function budget(value: object | null): Budget | null {
  if (value === null) return null;
  const { usd, per, ...others } = value as Readonly<Record<string, unknown>>;
  const [stranger] = Object.keys(others);
  if (stranger !== undefined) {
    const param = `budget.${stranger.slice(0, 100)}`;
    throw new InvalidRequestError(`Unknown parameter: '${param}'.`, { code: 'unknown_parameter', param });
  }
  if (typeof usd !== 'number' || !Number.isFinite(usd) || usd <= 0) throw invalid('budget.usd', 'must be more than 0');
  const known = PERIODS.find((period) => period === per);
  if (known === undefined) throw invalid('budget.per', `must be one of ${PERIODS.join(', ')}`);
  return { usd, per: known };
}

function instant(text: string | null): number | null {
  if (text === null) return null;
  const at = Date.parse(text);
  // What reads as a time may still be 30 February, which Date takes for 2 March, or a leap second, which it does not take.
  const day = text.slice(0, 10);
  if (Number.isNaN(at) || new Date(day).toISOString().slice(0, 10) !== day)
    throw invalid('expires_at', 'is not a time that exists');
  return at;
}

const invalid = (param: string, problem: string): InvalidRequestError =>
  new InvalidRequestError(`Invalid '${param}': ${problem}.`, { code: 'invalid_value', param });
