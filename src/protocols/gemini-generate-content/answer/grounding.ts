import type { Json } from '../../json.js';
import { numberOf, objectOf, objectsOf, textOf } from '../wire.js';

/** What Google says an answer is based on, as OpenAI's citations (Gemini reference §3.1). `text` is the whole answer. */
export function annotationsFrom(metadata: readonly Json[], text: string): readonly Json[] {
  const units = unitsOf(text);
  const seen = new Set<string>();
  return metadata
    .flatMap((grounding) => citationsIn(grounding, text, units))
    .filter((citation) => {
      const key = JSON.stringify(citation);
      return !seen.has(key) && seen.add(key);
    });
}

/** Byte offset in UTF-8 → index in the string, as Google counts the former and OpenAI the latter. */
type Units = (bytes: number) => number;

function citationsIn(grounding: Json, text: string, units: Units): readonly Json[] {
  const chunks: readonly unknown[] = Array.isArray(grounding['groundingChunks']) ? grounding['groundingChunks'] : [];
  return objectsOf(grounding['groundingSupports']).flatMap((support) => {
    const place = placeOf(objectOf(support['segment']), text, units);
    const indices: readonly unknown[] = Array.isArray(support['groundingChunkIndices'])
      ? support['groundingChunkIndices']
      : [];
    return indices.flatMap((index) => {
      const { web, retrievedContext } = objectOf(chunks[numberOf(index)]);
      const source = objectOf(web ?? retrievedContext);
      const url = textOf(source['uri']);
      if (url === undefined) return [];
      return [{ type: 'url_citation', url_citation: { ...place, url, title: textOf(source['title']) ?? url } }];
    });
  });
}

/** Offsets count within a part, and a stream has more parts than the answer: the segment's own words decide. */
function placeOf(
  segment: Json,
  text: string,
  units: Units,
): { readonly start_index: number; readonly end_index: number } {
  const [start, end] = [units(numberOf(segment['startIndex'] ?? 0)), units(numberOf(segment['endIndex'] ?? 0))];
  const words = textOf(segment['text']);
  if (words === undefined || text.slice(start, end) === words) return { start_index: start, end_index: end };
  const found = text.indexOf(words);
  return found === -1
    ? { start_index: start, end_index: end }
    : { start_index: found, end_index: found + words.length };
}

function unitsOf(text: string): Units {
  const length = Buffer.byteLength(text);
  const within = (bytes: number) => (bytes > 0 ? Math.min(bytes, length) : 0);
  if (length === text.length) return within;
  const table = new Uint32Array(length + 1);
  let byte = 0;
  let unit = 0;
  for (const character of text) {
    const size = Buffer.byteLength(character);
    table.fill(unit, byte, byte + size);
    byte += size;
    unit += character.length;
  }
  table[length] = text.length;
  return (bytes) => table[within(bytes)] ?? text.length;
}
