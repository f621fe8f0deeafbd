import { stringEnd } from '../../domain/json-source.js';

/** Openings that are tried before the text is taken for prose. */
const MAX_TRIES = 50;

/**
 * The first balanced JSON value that stands in a model's words, as it is written there: models put fences around
 * what they were asked for, or a sentence before it.
 */
export function firstJson(text: string, opening: RegExp): string | undefined {
  const openings = new RegExp(opening, 'g');
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const found = openings.exec(text);
    if (found === null) return undefined;
    const candidate = balanced(text, found.index);
    if (candidate !== undefined && isJson(candidate)) return candidate;
  }
  return undefined;
}

/** From one opening bracket to the one that closes it; brackets in strings do not count. */
function balanced(text: string, start: number): string | undefined {
  let depth = 0;
  for (let at = start; at < text.length;) {
    const character = text[at];
    if (character === '"') {
      at = stringEnd(text, at);
      continue;
    }
    at += 1;
    if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') depth -= 1;
    if (depth === 0) return text.slice(start, at);
  }
  return undefined;
}

/** Whether the whole text is one JSON value. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
