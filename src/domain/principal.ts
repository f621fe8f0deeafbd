import type { LimitTerms, Team } from './limit.js';

/** What a key allows beyond its models: until when, how much, and for how much. Null or absent: unbounded. */
export interface KeyTerms extends Partial<LimitTerms> {
  /** Epoch milliseconds. */
  readonly expiresAt?: number | null;
}

/** Who a request acts for, as the guard established it. */
export interface Principal extends KeyTerms {
  readonly keyId: string;
  readonly name: string;
  /** Who the key belongs to; the usage record keeps it. */
  readonly owner?: string | null;
  /** What its owner may use in all, where that is bounded. */
  readonly team?: Team | undefined;
  /** What the key is marked with. */
  readonly tags?: readonly string[];
  /** Globs of the model names this key may use; null: all. */
  readonly models: readonly string[] | null;
}

/** May this principal use this model name? `*` in a glob stands for any run of characters. */
export function mayUse({ models }: Principal, model: string): boolean {
  return models === null || models.some((glob) => matchesGlob(glob, model));
}

/** Linear in the length of the name: a glob is pieces of text in order, so no pattern can make it slow. */
function matchesGlob(glob: string, name: string): boolean {
  const pieces = glob.split('*');
  const [first = ''] = pieces;
  if (pieces.length === 1) return glob === name;
  const last = pieces.at(-1) ?? '';
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = name.indexOf(piece, at);
    if (found === -1 || found + piece.length > name.length - last.length) return false;
    at = found + piece.length;
  }
  return true;
}
