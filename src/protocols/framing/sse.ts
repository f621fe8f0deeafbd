import { UpstreamError } from '../../domain/errors.js';

/** One server-sent event, by the WHATWG rules; comments and fields we have no use for are gone. */
export interface ServerSentEvent {
  /** The `event:` field; '' where there was none. */
  readonly event: string;
  /** The `data:` lines joined; undefined where there was none. */
  readonly data: string | undefined;
  /** The event is exactly one `data: ` line and a blank one, which is what clients are promised. */
  readonly canonical: boolean;
}

const LF = 0x0a;
const CR = 0x0d;
const NOTHING = Buffer.alloc(0);

/**
 * Cuts a byte stream into whole events, wherever the network happened to cut it.
 * Events end with a blank line, and lines with LF or CRLF. A lone CR as a line end is not read: no provider sends it.
 */
export class EventSplitter {
  #rest: Buffer[] = [];
  #held = 0;
  /** The last bytes of what is held: a blank line may have begun there. */
  #tail: Buffer = NOTHING;

  /** The whole events up to here, as one piece of text; the unfinished one is kept for the next call. */
  take(bytes: Buffer): string {
    // What is held is neither searched again nor joined before an event has ended: that would be done for each piece.
    if (!bytes.includes(LF)) {
      this.#hold(bytes);
      return '';
    }
    const fresh = this.#held === 0 ? bytes : Buffer.concat([this.#tail, bytes]);
    const end = lastBlankLine(fresh);
    if (end === 0) {
      this.#hold(bytes);
      return '';
    }
    const buffer = this.#held === 0 ? bytes : Buffer.concat([...this.#rest, bytes]);
    this.#clear();
    const cut = buffer.length - (fresh.length - end);
    if (cut < buffer.length) this.#hold(buffer.subarray(cut));
    return buffer.toString('utf8', 0, cut);
  }

  #hold(bytes: Buffer): void {
    this.#held += bytes.length;
    if (this.#held > MAX_EVENT_BYTES)
      throw new UpstreamError('The provider sent an event that is too large.', { code: 'invalid_upstream_answer' });
    this.#rest.push(bytes);
    this.#tail = bytes.length >= TAIL ? bytes.subarray(-TAIL) : Buffer.concat([this.#tail, bytes]).subarray(-TAIL);
  }

  #clear(): void {
    this.#rest = [];
    this.#held = 0;
    this.#tail = NOTHING;
  }

  /** What is left when the stream has ended: some providers leave out the last blank line. */
  rest(): string {
    const text = Buffer.concat(this.#rest).toString('utf8');
    this.#clear();
    return text;
  }
}

const TAIL = 3;
const MAX_EVENT_BYTES = 64 * 1024 * 1024;

/** Index after the last blank line; 0 where there is none. */
function lastBlankLine(buffer: Buffer): number {
  let at = buffer.lastIndexOf(LF);
  while (at > 0) {
    const before = buffer[at - 1];
    if (before === LF) return at + 1;
    if (before === CR && buffer[at - 2] === LF) return at + 1;
    at = buffer.lastIndexOf(LF, at - 1);
  }
  return 0;
}

/** The event that begins at `at` in a piece of text that `EventSplitter` gave, and where the next one begins. */
export function eventAt(
  text: string,
  at: number,
): { readonly event: ServerSentEvent | undefined; readonly end: number } {
  const plain = text.startsWith('data: ', at) ? text.indexOf('\n', at) : -1;
  if (plain !== -1 && text.charCodeAt(plain + 1) === LF && text.charCodeAt(plain - 1) !== CR)
    return { event: { event: '', data: text.slice(at + 6, plain), canonical: true }, end: plain + 2 };
  // How Google writes them all.
  if (plain !== -1 && text.charCodeAt(plain - 1) === CR && text.startsWith('\r\n', plain + 1))
    return { event: { event: '', data: text.slice(at + 6, plain - 1), canonical: false }, end: plain + 3 };
  const named = namedEventAt(text, at);
  if (named !== undefined) return named;
  const end = blankLineAfter(text, at);
  return { event: parseEvent(text.slice(at, end)), end };
}

/** One `event: ` line, one `data: ` line and a blank one: how Anthropic writes them all. */
function namedEventAt(text: string, at: number): ReturnType<typeof eventAt> | undefined {
  if (!text.startsWith('event: ', at)) return undefined;
  const first = text.indexOf('\n', at);
  if (first === -1 || !text.startsWith('data: ', first + 1)) return undefined;
  const second = text.indexOf('\n', first + 1);
  if (second === -1 || text.charCodeAt(second + 1) !== LF) return undefined;
  if (text.charCodeAt(first - 1) === CR || text.charCodeAt(second - 1) === CR) return undefined;
  const event = { event: text.slice(at + 7, first), data: text.slice(first + 7, second), canonical: false };
  return { event, end: second + 2 };
}

function blankLineAfter(text: string, from: number): number {
  for (let at = text.indexOf('\n', from); at !== -1; at = text.indexOf('\n', at + 1)) {
    if (text.charCodeAt(at + 1) === LF) return at + 2;
    if (text.charCodeAt(at + 1) === CR && text.charCodeAt(at + 2) === LF) return at + 3;
  }
  return text.length;
}

function parseEvent(block: string): ServerSentEvent | undefined {
  let event = '';
  let data: string | undefined;
  // A byte order mark may stand before the first line of a stream.
  for (const line of (block.charCodeAt(0) === 0xfeff ? block.slice(1) : block).split('\n')) {
    const { field, value } = fieldOf(line.endsWith('\r') ? line.slice(0, -1) : line);
    if (field === 'data') data = data === undefined ? value : `${data}\n${value}`;
    else if (field === 'event') event = value;
    else if (field === 'error') [event, data] = ['error', value]; // how some model servers report a failure
  }
  return data === undefined && event === '' ? undefined : { event, data, canonical: false };
}

/** A comment is a line whose field has no name. */
function fieldOf(line: string): { readonly field: string; readonly value: string } {
  const colon = line.indexOf(':');
  if (colon === -1) return { field: line, value: '' };
  return { field: line.slice(0, colon), value: line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1) };
}
