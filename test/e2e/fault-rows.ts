import { ANSWER, CHUNKS, either, failing } from '../support/faults.js';
import { answerWith, completion, events, streamOf, type Script } from '../support/upstream.js';

const NOBODY = 'http://127.0.0.1:1';
const said = (code: string, type = 'server_error') => ({ error: { message: 'No.', type, code } });

/** Headers alone; a stream's, so that it is open. */
const opened: Script = ({ response }) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
};
const silent: Script = () => undefined;
const [dropped, reset] = (['destroy', 'resetAndDestroy'] as const).map(
  (how): Script =>
    ({ response }) =>
      void response.socket?.[how](),
) as [Script, Script];
const droppedAfterHeaders: Script = (request) => {
  void opened(request);
  setTimeout(() => request.response.destroy(), 20);
};
/** Half of an answer whose length is known. */
const half =
  (then: 'cut' | 'silence'): Script =>
  ({ response }) => {
    const body = JSON.stringify(completion(ANSWER));
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    response.write(body.slice(0, body.length / 2), () => {
      if (then === 'cut') response.destroy();
    });
  };

/** How a target fails before the client has got anything, and what that comes to. */
export interface Fault {
  readonly what: string;
  /** A URL, or the name of a server that takes connections: no request arrives. */
  readonly plays: Script | string;
  /** What the ledger says of an attempt, and the client is told where nobody does better. */
  readonly code: string;
  /** The provider's own, where it gave one. */
  readonly told: number | null;
  /** The client's, where nobody does better. */
  readonly status: number;
  /** Calls of the first target where the second one answers; of each where none does. */
  readonly calls: readonly [first: number, all: number];
  readonly cost?: 0 | null;
  /** In ms, as the client is told. */
  readonly wait?: number;
  readonly only?: 'JSON' | 'stream';
  /** By which it was ended. */
  readonly clock?: 'connect' | 'firstToken' | 'total';
}

/** Twice where it may do better at once; once before any other where it is slow or asks for a pause; once where we are refused. */
const AGAIN = { calls: [2, 2] } as const;
const ELSEWHERE = { calls: [1, 2] } as const;
const NO_MORE = { calls: [1, 1] } as const;
const status = (told: number, shown: number, code: string) => ({ told, status: shown, code, cost: 0 }) as const;
const unreachable = { code: 'upstream_unreachable', told: null, status: 502, cost: 0, ...AGAIN } as const;
const truncated = { code: 'stream_truncated', told: null, status: 502, ...AGAIN } as const;
const late = (clock: NonNullable<Fault['clock']>) => ({ code: 'timeout', told: null, status: 504, clock }) as const;
const senseless = { code: 'invalid_upstream_answer', told: null, status: 502, ...AGAIN } as const;
const failed200 = (body: object) => either(answerWith(body), streamOf(events(body), false));

export const FAULTS: readonly Fault[] = [
  { what: 'nobody there', plays: NOBODY, ...unreachable },
  { what: 'no TLS there', plays: 'plain', ...unreachable },
  { what: 'a handshake that is not answered', plays: 'mute', ...late('connect'), cost: 0, ...ELSEWHERE },
  { what: '408', plays: failing(408), ...status(408, 504, 'timeout'), ...AGAIN },
  { what: '429', plays: failing(429), ...status(429, 429, 'rate_limit_exceeded'), ...AGAIN },
  {
    what: '429 that says how long',
    plays: failing(429, { 'retry-after-ms': '300' }),
    ...status(429, 429, 'rate_limit_exceeded'),
    ...ELSEWHERE,
    wait: 300,
  },
  { what: '500', plays: failing(500), ...status(500, 500, 'upstream_error'), ...AGAIN },
  { what: '502', plays: failing(502), ...status(502, 502, 'upstream_error'), ...AGAIN },
  { what: '503', plays: failing(503), ...status(503, 503, 'server_is_overloaded'), ...AGAIN },
  {
    what: '503 that says how long',
    plays: failing(503, { 'retry-after': '1' }),
    ...status(503, 503, 'server_is_overloaded'),
    ...ELSEWHERE,
    wait: 1_000,
  },
  { what: '529', plays: failing(529), ...status(529, 503, 'server_is_overloaded'), ...AGAIN },
  { what: '401', plays: failing(401), ...status(401, 502, 'upstream_authentication'), ...NO_MORE },
  {
    what: 'an error in a 200',
    plays: failed200(said('server_error')),
    ...status(500, 500, 'upstream_error'),
    ...AGAIN,
  },
  {
    what: 'a limit in a 200',
    plays: failed200(said('rate_limit_exceeded')),
    ...status(429, 429, 'rate_limit_exceeded'),
    ...AGAIN,
  },
  { what: 'no body', plays: answerWith(''), ...senseless, only: 'JSON' },
  { what: 'no event', plays: streamOf(''), ...truncated, only: 'stream' },
  { what: 'only comments', plays: streamOf(': hello\n\n'.repeat(3)), ...truncated, only: 'stream' },
  { what: 'silence', plays: silent, ...late('firstToken'), ...ELSEWHERE, only: 'stream' },
  { what: 'silence after the headers', plays: opened, ...late('firstToken'), ...ELSEWHERE, only: 'stream' },
  { what: 'silence instead of JSON', plays: silent, ...late('total'), ...NO_MORE, only: 'JSON' },
  { what: 'silence in the JSON', plays: half('silence'), ...late('total'), ...NO_MORE, only: 'JSON' },
  { what: 'a connection that is closed', plays: dropped, ...unreachable, cost: null },
  { what: 'a connection that is reset', plays: reset, ...unreachable, cost: null },
  { what: 'a connection that is closed after the headers', plays: droppedAfterHeaders, ...truncated },
  { what: 'half the JSON', plays: half('cut'), ...truncated, only: 'JSON' },
  { what: 'what is no JSON', plays: answerWith('{"id":'), ...senseless, only: 'JSON' },
  { what: 'what is no answer', plays: answerWith('[]'), ...senseless, only: 'JSON' },
  { what: 'an event that is no JSON', plays: streamOf(events('{"id":'), false), ...senseless, only: 'stream' },
  { what: 'an event that is no chunk', plays: streamOf(events({ choices: [5] }), false), ...senseless, only: 'stream' },
];

/** How a stream breaks that has begun. */
export interface Break {
  readonly what: string;
  readonly plays: Script;
  readonly code: string;
  readonly told: number | null;
  readonly clock?: 'idle';
}

const BEGUN = events(...CHUNKS.slice(0, 2));
/** Begun, and then by a clean end, a closed connection or a reset one. */
const brokenBy =
  (how: 'end' | 'destroy' | 'resetAndDestroy'): Script =>
  ({ response }) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(BEGUN, () => {
      // What was just written is to arrive: a reset would overtake it.
      setTimeout(() => void (how === 'end' ? response.end() : response.socket?.[how]()), 50);
    });
  };

export const BREAKS: readonly Break[] = [
  { what: 'silence', plays: streamOf(BEGUN, false), code: 'timeout', told: null, clock: 'idle' },
  { what: 'the end', plays: brokenBy('end'), code: 'stream_truncated', told: null },
  { what: 'a closed connection', plays: brokenBy('destroy'), code: 'stream_truncated', told: null },
  { what: 'a reset connection', plays: brokenBy('resetAndDestroy'), code: 'stream_truncated', told: null },
  { what: '[DONE]', plays: streamOf(BEGUN + events('[DONE]')), code: 'stream_truncated', told: null },
  {
    what: 'an event that is no JSON',
    plays: streamOf(BEGUN + events('{"id":'), false),
    code: 'invalid_upstream_answer',
    told: null,
  },
  {
    what: 'half an event',
    plays: streamOf(BEGUN + events(CHUNKS[2]).slice(0, -20)),
    code: 'invalid_upstream_answer',
    told: null,
  },
  {
    what: 'an error',
    plays: streamOf(BEGUN + events(said('server_error')), false),
    code: 'upstream_error',
    told: 500,
  },
  {
    what: 'an error by name',
    plays: streamOf(`${BEGUN}event: error\n${events(said('overloaded_error'))}`, false),
    code: 'server_is_overloaded',
    told: 503,
  },
];
