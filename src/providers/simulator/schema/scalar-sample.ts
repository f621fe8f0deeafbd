import { type Keywords, numberOf, UnsatisfiableSchemaError } from './json-schema.js';
import { samplePattern } from './pattern-sample.js';
import type { SeededRandom } from './seeded-random.js';

const WORDS = ['amber', 'birch', 'cedar', 'delta', 'ember', 'fjord', 'grove', 'harbor', 'island', 'juniper', 'lagoon'];
const MAX_TEXT = 20_000;
/** How far a range reaches that has a bound on one side only. */
const SPAN = 99;

interface Bounds {
  readonly low: number;
  readonly high: number;
  /** The bound itself is not allowed. */
  readonly openLow: boolean;
  readonly openHigh: boolean;
}

/** A number within the bounds of the schema; with `whole`, an integer. */
export function sampleNumber(keywords: Keywords, whole: boolean, random: SeededRandom): number {
  const step = stepOf(keywords, whole);
  const bounds = boundsOf(keywords, step ?? 1);
  return step === undefined ? between(bounds, random) : multiple(bounds, step, random);
}

/** What the number must be a multiple of; undefined: anything goes. */
function stepOf(keywords: Keywords, whole: boolean): number | undefined {
  const step = numberOf(keywords, 'multipleOf');
  if (step === undefined || step <= 0) return whole ? 1 : undefined;
  if (!whole) return step;
  for (let times = 1; times <= 1000; times += 1) if (Number.isInteger(step * times)) return step * times;
  throw new UnsatisfiableSchemaError('No integer is a multiple of `multipleOf`.');
}

function boundsOf(keywords: Keywords, step: number): Bounds {
  const [low, openLow] = bound(keywords, 'minimum', 'exclusiveMinimum', 1);
  const [high, openHigh] = bound(keywords, 'maximum', 'exclusiveMaximum', -1);
  const span = Math.max(SPAN, 2 * step);
  if (low !== undefined) return { low, high: high ?? low + span, openLow, openHigh };
  if (high === undefined) return { low: 1, high: 1 + span, openLow, openHigh };
  return { low: high >= 1 && high <= span ? Math.min(1, high - step) : high - span, high, openLow, openHigh };
}

/** The stricter of an included and an excluded bound. `side`: 1 for the lower, -1 for the upper. */
function bound(
  keywords: Keywords,
  included: string,
  excluded: string,
  side: 1 | -1,
): readonly [value: number | undefined, open: boolean] {
  const closed = numberOf(keywords, included);
  const open = numberOf(keywords, excluded);
  // JSON Schema draft 4 writes the excluded bound as a flag beside the included one.
  if (open === undefined) return [closed, keywords[excluded] === true];
  return closed === undefined || (open - closed) * side >= 0 ? [open, true] : [closed, false];
}

function between({ low, high, openLow, openHigh }: Bounds, random: SeededRandom): number {
  if (low > high || (low === high && (openLow || openHigh))) throw outOfBounds();
  if (low === high) return low;
  const value = low + (high - low) * (random.between(1, 9) / 10);
  const rounded = Math.round(value * 100) / 100;
  return rounded > low && rounded < high ? rounded : value;
}

function multiple({ low, high, openLow, openHigh }: Bounds, step: number, random: SeededRandom): number {
  let first = Math.ceil(low / step);
  let last = Math.floor(high / step);
  if (openLow && first * step <= low) first += 1;
  if (openHigh && last * step >= high) last -= 1;
  if (first > last) throw outOfBounds();
  const chosen = random.between(first, last);
  // In binary a multiple need not divide cleanly (0.3 / 0.1), so the nearest that does is taken.
  for (let away = 0; away <= 200; away += 1) {
    for (const times of [chosen + away, chosen - away]) {
      if (times >= first && times <= last && Number.isInteger((times * step) / step)) return times * step;
    }
  }
  return chosen * step;
}

function outOfBounds(): UnsatisfiableSchemaError {
  return new UnsatisfiableSchemaError('No number lies within the bounds of the schema.');
}

/** A text of the length, pattern or format the schema asks for. */
export function sampleText(keywords: Keywords, random: SeededRandom): string {
  const min = Math.ceil(numberOf(keywords, 'minLength') ?? 0);
  const max = Math.floor(numberOf(keywords, 'maxLength') ?? Infinity);
  if (min > max || max < 0) throw new UnsatisfiableSchemaError('No text lies within the lengths of the schema.');
  if (min > MAX_TEXT) throw new UnsatisfiableSchemaError('The schema asks for too long a text.');
  const special = patternText(keywords, random, min, max) ?? formatText(keywords, random);
  if (special !== undefined && special.length >= min && special.length <= max) return special;
  let text = random.pick(WORDS);
  while (text.length < min) text += ` ${random.pick(WORDS)}`;
  return text.slice(0, Math.max(min, Math.min(max, text.length)));
}

function patternText({ pattern }: Keywords, random: SeededRandom, min: number, max: number): string | undefined {
  return typeof pattern === 'string' ? samplePattern(pattern, random, min, max) : undefined;
}

function formatText({ format }: Keywords, random: SeededRandom): string | undefined {
  return typeof format === 'string' && Object.hasOwn(FORMATS, format) ? FORMATS[format]?.(random) : undefined;
}

const two = (value: number): string => String(value).padStart(2, '0');
const hex = (random: SeededRandom, length: number): string =>
  Array.from({ length }, () => random.between(0, 15).toString(16)).join('');
const date = (random: SeededRandom): string => `2025-${two(random.between(1, 12))}-${two(random.between(1, 28))}`;
const time = (random: SeededRandom): string => `${two(random.between(0, 23))}:${two(random.between(0, 59))}:00Z`;
const host = (random: SeededRandom): string => `${random.pick(WORDS)}.example.com`;
const email = (random: SeededRandom): string => `${random.pick(WORDS)}@example.com`;
const uri = (random: SeededRandom): string => `https://example.com/${random.pick(WORDS)}`;

const FORMATS: Readonly<Record<string, (random: SeededRandom) => string>> = {
  'date-time': (random) => `${date(random)}T${time(random)}`,
  date,
  time,
  duration: (random) => `P${String(random.between(1, 30))}D`,
  email,
  'idn-email': email,
  hostname: host,
  'idn-hostname': host,
  ipv4: (random) => `192.0.2.${String(random.between(1, 254))}`,
  ipv6: (random) => `2001:db8::${hex(random, 4)}`,
  uri,
  url: uri,
  iri: uri,
  'uri-reference': uri,
  uuid: (random) => `${hex(random, 8)}-${hex(random, 4)}-4${hex(random, 3)}-8${hex(random, 3)}-${hex(random, 12)}`,
  byte: (random) => Buffer.from(random.pick(WORDS)).toString('base64'),
  'json-pointer': (random) => `/${random.pick(WORDS)}`,
  regex: () => '^[a-z]+$',
};
