import { nearest } from '../../domain/nearest.js';

/** `; did you mean "port"?`, or nothing where none is near. */
export function didYouMean(written: string, candidates: Iterable<string>): string {
  const [near] = nearest(written, candidates);
  return near === undefined ? '' : `; did you mean "${near}"?`;
}

/** As `didYouMean`, with the names to choose from where none is near. */
export function suggestion(written: string, candidates: readonly string[]): string {
  const near = didYouMean(written, candidates);
  return near === '' && candidates.length > 0 ? `; possible here: ${candidates.join(', ')}` : near;
}
