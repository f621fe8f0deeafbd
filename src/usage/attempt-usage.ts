import type { Deployment, UpstreamAttempt } from '../domain/deployment.js';
import { tokenCounts, type Outcome, type TokenCounts, type UsageSource } from '../domain/usage.js';

/** Guesses tokens by length. */
export interface Guesses {
  promptTokens(model: Deployment, size: number): number;
  answerTokens(model: Deployment, said: number): number;
}

/** What an attempt used, and who says so. */
export interface AttemptUsage {
  readonly counts: TokenCounts | null;
  readonly source: UsageSource;
}

const UNKNOWN: AttemptUsage = { counts: null, source: 'none' };

/**
 * What the provider has told, where it told all. Of a call that was broken off it told a part or nothing, and bills all
 * the same: the rest is guessed from what was sent and what came back. What it refused, or never received, used nothing.
 */
export function attemptUsage(
  attempt: UpstreamAttempt & { readonly outcome: Outcome },
  promptSize: () => number,
  guesses: Guesses,
): AttemptUsage {
  const { usage, outcome, deployment, said } = attempt;
  if (usage !== undefined && (outcome === 'completed' || isWhole(attempt))) {
    return { counts: tokenCounts(usage), source: 'provider' };
  }
  if (isFree(attempt)) return UNKNOWN;
  const told = usage === undefined ? NOTHING : tokenCounts(usage);
  return {
    counts: {
      ...told,
      promptTokens: told.promptTokens > 0 ? told.promptTokens : guesses.promptTokens(deployment, promptSize()),
      completionTokens: Math.max(told.completionTokens, guesses.answerTokens(deployment, said)),
    },
    source: 'estimated',
  };
}

/** An answer that came in full and was of no use. */
const isWhole = ({ outcome, errorCode }: UpstreamAttempt): boolean =>
  outcome === 'failed' && errorCode === 'invalid_structured_output';

/** What the provider refused, or never received, is known to cost nothing; an answer that fails in its middle is no refusal. */
export const isFree = ({ outcome, status = 0, said, neverSent = false }: UpstreamAttempt): boolean =>
  outcome !== 'abandoned' && (neverSent || (status >= 400 && said === 0));

const NOTHING: TokenCounts = {
  promptTokens: 0,
  completionTokens: 0,
  cachedTokens: 0,
  cacheWriteTokens: 0,
  reasoningTokens: 0,
  audioTokens: 0,
};

/** The counts of all attempts together; null where none is known. */
export function totalCounts(usages: readonly AttemptUsage[]): TokenCounts | null {
  const known = usages.flatMap(({ counts }) => (counts === null ? [] : [counts]));
  const [first, ...others] = known;
  if (first === undefined) return null;
  return others.reduce(sum, first);
}

function sum(one: TokenCounts, other: TokenCounts): TokenCounts {
  return {
    promptTokens: one.promptTokens + other.promptTokens,
    completionTokens: one.completionTokens + other.completionTokens,
    cachedTokens: one.cachedTokens + other.cachedTokens,
    cacheWriteTokens: one.cacheWriteTokens + other.cacheWriteTokens,
    reasoningTokens: one.reasoningTokens + other.reasoningTokens,
    audioTokens: one.audioTokens + other.audioTokens,
  };
}

/** A part that was guessed makes the whole a guess. */
export function totalSource(usages: readonly AttemptUsage[]): UsageSource {
  const sources = new Set(usages.map(({ source }) => source));
  return (['estimated', 'counted', 'provider'] as const).find((source) => sources.has(source)) ?? 'none';
}
