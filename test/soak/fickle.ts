import type { ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { SeededRandom } from '../../src/providers/simulator/schema/seeded-random.js';
import { chunk, completion, events, usageChunk, type Script } from '../support/upstream.js';

/** What may be wrong with an answer; the last four come after a stream has begun, for a plain answer in its middle. */
export const FAULTS = [
  'error 500',
  'error 503',
  'error 429',
  'reset',
  'error in 200',
  'nothing but a role',
  'silence',
  'cut',
  'ended early',
  'malformed',
  'stall',
] as const;
export type Fault = (typeof FAULTS)[number];

/** How one call is answered. */
export interface Manner {
  readonly fault: Fault | undefined;
  /** Before anything is said, in milliseconds. */
  readonly firstMs: number;
  readonly words: number;
  /** Between two words of a stream, in milliseconds. */
  readonly gapMs: number;
}

/** One call as the upstreams saw it. Times are `performance.now()` milliseconds. */
export interface Call {
  /** Of the request it was made for. */
  readonly marker: string;
  readonly model: string;
  readonly fault: Fault | undefined;
  /** All that it says, or would have said. */
  readonly text: string;
  readonly startedAt: number;
  /** When its first word was sent, or its whole body. */
  spokeAt: number | undefined;
  /** When it had sent all of it, without a fault. */
  sentAt: number | undefined;
  /** When its answer was taken, or its connection closed. */
  closedAt: number | undefined;
}

/** The calls of each request, in the order in which they came. */
export class Ledger {
  readonly #calls = new Map<string, Call[]>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get all(): readonly Call[] {
    return [...this.#calls.values()].flat();
  }

  of(marker: string): readonly Call[] {
    return this.#calls.get(marker) ?? [];
  }

  add(call: Call): void {
    this.#count += 1;
    const calls = this.#calls.get(call.marker);
    if (calls === undefined) this.#calls.set(call.marker, [call]);
    else calls.push(call);
  }
}

const WORDS = ['Lorem', 'ipsum', '日本', 'dolor', '🎉', 'sit\n', '"amet"', '\\', 'élit', '{}'];

/**
 * An upstream that answers each call in a manner which the seed, the request and the number of the call decide, in
 * whatever order calls come. Each answer says which request it is for, so that none can pass for another's.
 */
export function fickle(
  ledger: Ledger,
  seed: number,
  mannerOf: (model: string, random: SeededRandom) => Manner,
): Script {
  return async ({ body, response }) => {
    const { model, stream, messages } = JSON.parse(body) as Asked;
    const marker = messages[0]?.content ?? '';
    const random = new SeededRandom(hash(`${seed} ${marker} ${ledger.of(marker).length}`));
    const manner = mannerOf(model, random);
    const words = Array.from({ length: manner.words }, () => ` ${random.pick(WORDS)}`);
    const said = [`${marker} by call ${ledger.count}:`, ...words];
    const call: Call = {
      ...{ marker, model, fault: manner.fault, text: said.join('') },
      ...{ startedAt: performance.now(), spokeAt: undefined, sentAt: undefined, closedAt: undefined },
    };
    ledger.add(call);
    response.once('close', () => (call.closedAt = performance.now()));
    await pause(manner.firstMs);
    if (response.destroyed || failed(response, manner.fault)) return;
    const answer = { call, said, manner, response };
    await (stream === true ? streamed(answer) : whole(answer));
  };
}

interface Asked {
  readonly model: string;
  readonly stream?: boolean;
  readonly messages: readonly { readonly content: string }[];
}

interface Answer {
  readonly call: Call;
  readonly said: readonly string[];
  readonly manner: Manner;
  readonly response: ServerResponse;
}

const JSON_TYPE = { 'content-type': 'application/json' };
const TOO_MUCH = { error: { message: 'Not now.', type: 'server_error', code: null, param: null } };

/** Failures that look the same, whether or not a stream was asked for. */
function failed(response: ServerResponse, fault: Fault | undefined): boolean {
  switch (fault) {
    case 'error 500':
    case 'error 503':
      response.writeHead(Number(fault.slice(-3)), JSON_TYPE).end(JSON.stringify(TOO_MUCH));
      return true;
    case 'error 429':
      response.writeHead(429, { ...JSON_TYPE, 'retry-after-ms': '150' }).end(JSON.stringify(TOO_MUCH));
      return true;
    case 'reset':
      response.socket?.resetAndDestroy();
      return true;
    case 'silence':
      return true;
    default:
      return false;
  }
}

async function whole({ call, manner, response }: Answer): Promise<void> {
  const { fault } = manner;
  if (fault === 'error in 200') return void response.writeHead(200, JSON_TYPE).end(JSON.stringify(TOO_MUCH));
  const body = Buffer.from(JSON.stringify(completion(call.text)));
  const half = body.subarray(0, body.length / 2);
  if (fault === undefined) {
    call.spokeAt = call.sentAt = performance.now();
    return void response.writeHead(200, JSON_TYPE).end(body);
  }
  if (fault === 'malformed' || fault === 'nothing but a role' || fault === 'ended early')
    return void response.writeHead(200, JSON_TYPE).end(half);
  response.writeHead(200, { ...JSON_TYPE, 'content-length': body.length }).write(half);
  await pause(manner.gapMs);
  if (fault === 'cut') response.destroy();
}

/** The words one by one; what is wrong is wrong in the middle of them. */
async function streamed({ call, said, manner, response }: Answer): Promise<void> {
  const { fault, gapMs } = manner;
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  if (fault === 'error in 200') return void response.end(events(TOO_MUCH));
  response.write(events(chunk({ role: 'assistant', content: '' })));
  if (fault === 'nothing but a role') return void response.end();
  const until = fault === undefined ? said.length : Math.ceil(said.length / 2);
  call.spokeAt = performance.now();
  for (const content of said.slice(0, until)) {
    response.write(events(chunk({ content })));
    if (gapMs > 0) await pause(gapMs);
    if (response.destroyed) return;
  }
  switch (fault) {
    case undefined:
      call.sentAt = performance.now();
      return void response.end(events(chunk({}, 'stop'), usageChunk(), '[DONE]'));
    case 'cut':
      return void response.destroy();
    case 'ended early':
      return void response.end();
    case 'malformed':
      return void response.end('data: {"choices":[{"delta":{"conte\n\n');
    default:
      return; // it says nothing more
  }
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}
