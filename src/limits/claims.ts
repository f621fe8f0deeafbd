import type { Route } from '../domain/deployment.js';
import type { LimitTerms } from '../domain/limit.js';
import type { Principal } from '../domain/principal.js';
import type { Claim } from './limit-store.js';

/** Whose limits a request counts against; undefined: nobody's. */
export function claimsOf(principal: Principal | undefined, { name, limits }: Route): readonly Claim[] | undefined {
  let claims: Claim[] | undefined;
  const key = principal && keyClaim(principal);
  if (key !== undefined) (claims ??= []).push(key);
  const team = principal?.team;
  if (team !== undefined && isBounded(team))
    (claims ??= []).push({ scope: 'team', id: team.name, name: team.name, terms: team });
  if (limits !== undefined) (claims ??= []).push({ scope: 'model', id: name, name, terms: limits });
  return claims;
}

export function keyClaim(principal: Principal): Claim | undefined {
  if (!isBounded(principal)) return undefined;
  const { keyId, name, rpm = null, tpm = null, concurrency = null, budget = null } = principal;
  return { scope: 'key', id: keyId, name, terms: { rpm, tpm, concurrency, budget } };
}

const isBounded = ({ rpm, tpm, concurrency, budget }: Partial<LimitTerms>): boolean =>
  (rpm ?? tpm ?? concurrency ?? budget ?? null) !== null;
