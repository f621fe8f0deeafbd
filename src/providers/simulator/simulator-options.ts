import type { ChatRequest } from '../../domain/chat.js';
import { InvalidRequestError } from '../../domain/errors.js';

export const FAULTS = ['429', '500', '503', 'stall', 'cut', 'slow'] as const;
export type Fault = (typeof FAULTS)[number];

/** How one answer is to be simulated. */
export interface SimulatorOptions {
  /** The answer, word for word. */
  readonly text: string | undefined;
  readonly seed: number | undefined;
  /** Length of the made-up text. */
  readonly tokens: number | undefined;
  readonly firstTokenMs: number;
  readonly chunkMs: number;
  readonly fault: Fault | undefined;
  /** Chunks of a stream that come before the fault. */
  readonly afterChunks: number;
}

/** The most tokens of one choice, whatever the request asks for. */
export const MAX_REPLY_TOKENS = 16_384;
const MAX_DELAY_MS = 600_000;

interface Range {
  readonly min: number;
  readonly max: number;
}

const DELAY: Range = { min: 0, max: MAX_DELAY_MS };
const NUMBERS = {
  seed: { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER },
  tokens: { min: 1, max: MAX_REPLY_TOKENS },
  first_token_ms: DELAY,
  chunk_ms: DELAY,
  after_chunks: { min: 0, max: 1_000_000 },
} as const satisfies Readonly<Record<string, Range>>;
type NumberField = keyof typeof NUMBERS;
const FIELDS: readonly string[] = ['text', 'fault', ...Object.keys(NUMBERS)];

/** Reads the body field `simulator`; `slow` is the model that takes its time. Throws InvalidRequestError. */
export function readOptions({ simulator }: ChatRequest, slow: boolean): SimulatorOptions {
  const fields = new Map(Object.entries(objectOf(simulator)).filter(([, value]) => value !== null));
  for (const name of fields.keys()) if (!FIELDS.includes(name)) throw unknownField(name);
  const number = (name: NumberField): number | undefined => numberOf(name, fields.get(name));
  const options = { text: textOf(fields.get('text')), fault: faultOf(fields.get('fault')), tokens: number('tokens') };
  if (options.text !== undefined && options.tokens !== undefined) {
    throw refused('tokens', 'cannot be given together with `simulator.text`', 'invalid_value');
  }
  return {
    ...options,
    seed: number('seed'),
    firstTokenMs: number('first_token_ms') ?? (slow ? 1000 : 0),
    chunkMs: number('chunk_ms') ?? chunkDelay(slow, options.fault),
    afterChunks: number('after_chunks') ?? 0,
  };
}

function chunkDelay(slow: boolean, fault: Fault | undefined): number {
  if (fault === 'slow') return 1000;
  return slow ? 200 : 0;
}

function objectOf(value: unknown): object {
  if (value === undefined || value === null) return {};
  if (typeof value === 'object' && !Array.isArray(value)) return value;
  throw refused('', 'must be an object', 'invalid_type');
}

function textOf(value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw refused('text', 'must be a string', 'invalid_type');
}

function faultOf(value: unknown): Fault | undefined {
  if (value === undefined) return undefined;
  const fault = FAULTS.find((known) => known === value);
  if (fault === undefined) throw refused('fault', `must be one of ${FAULTS.join(', ')}`, 'invalid_value');
  return fault;
}

function numberOf(name: NumberField, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const { min, max } = NUMBERS[name];
  if (typeof value !== 'number' || !Number.isInteger(value)) throw refused(name, 'must be an integer', 'invalid_type');
  if (value < min) throw refused(name, `must be at least ${String(min)}`, 'integer_below_min_value');
  if (value > max) throw refused(name, `must be at most ${String(max)}`, 'integer_above_max_value');
  return value;
}

function unknownField(name: string): InvalidRequestError {
  return refused(name.slice(0, 64), `is not known; the simulator reads ${FIELDS.join(', ')}`, 'unknown_parameter');
}

function refused(name: string, what: string, code: string): InvalidRequestError {
  const param = name === '' ? 'simulator' : `simulator.${name}`;
  return new InvalidRequestError(`\`${param}\` ${what}.`, { param, code });
}
