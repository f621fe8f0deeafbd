/** Longer than any name worth a suggestion; a hostile name costs no more than this. */
const LONGEST = 80;
const MOST = 3;
const MOST_MISTAKES = 3;

/** Up to three known names that are close to `name`, the closest first: what somebody may have meant. */
export function nearest(name: string, known: Iterable<string>): readonly string[] {
  if (name.length === 0 || name.length > LONGEST) return [];
  const wanted = bare(name);
  const allowed = Math.min(MOST_MISTAKES, Math.max(1, Math.floor(wanted.length / 3)));
  const found: { readonly candidate: string; readonly distance: number }[] = [];
  for (const candidate of known) {
    if (candidate.length > LONGEST) continue;
    const distance = distanceUpTo(wanted, bare(candidate), allowed);
    if (distance <= allowed) found.push({ candidate, distance });
  }
  found.sort((a, b) => a.distance - b.distance || a.candidate.length - b.candidate.length || compare(a, b));
  return found.slice(0, MOST).map(({ candidate }) => candidate);
}

/** `GPT 4o`, `gpt4o` and `gpt-4o` differ in nothing that a person would call a mistake in the name. */
function bare(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9/]/g, '');
}

function compare(a: { readonly candidate: string }, b: { readonly candidate: string }): number {
  return a.candidate < b.candidate ? -1 : 1;
}

/** Letters to insert, delete, replace or swap; more than `limit` is only said to be more, and costs next to nothing. */
function distanceUpTo(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  const far = limit + 1;
  let [beforeLast, last, row] = ROWS;
  for (let j = 0; j <= b.length; j++) last[j] = Math.min(j, far);
  for (let i = 1; i <= a.length; i++) {
    // Only cells this near the diagonal can hold a distance within the limit.
    const from = Math.max(1, i - limit);
    const to = Math.min(b.length, i + limit);
    row[from - 1] = from === 1 ? Math.min(i, far) : far;
    if (i + limit <= b.length) last[i + limit] = far;
    let least = at(row, from - 1);
    for (let j = from; j <= to; j++) {
      const here = a.charCodeAt(i - 1);
      const same = here === b.charCodeAt(j - 1);
      let cost = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + (same ? 0 : 1));
      if (i > 1 && j > 1 && here === b.charCodeAt(j - 2) && a.charCodeAt(i - 2) === b.charCodeAt(j - 1))
        cost = Math.min(cost, at(beforeLast, j - 2) + 1);
      row[j] = cost;
      if (cost < least) least = cost;
    }
    if (least > limit) return far;
    [beforeLast, last, row] = [last, row, beforeLast];
  }
  return at(last, b.length);
}

/** Three rows of the table, used again for every pair: nothing here waits, so nobody else can be using them. */
const ROWS: readonly [Uint8Array, Uint8Array, Uint8Array] = [
  new Uint8Array(LONGEST + 2),
  new Uint8Array(LONGEST + 2),
  new Uint8Array(LONGEST + 2),
];

function at(row: Uint8Array, index: number): number {
  return row[index] ?? LONGEST;
}
