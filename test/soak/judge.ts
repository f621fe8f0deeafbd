import type { Call } from './fickle.js';

export interface Asked {
  /** By which the request, its calls and its usage record know each other. */
  readonly marker: string;
  readonly model: string;
  readonly isStream: boolean;
  readonly timeoutMs: number;
}

/** What came back of a request. */
export interface Told {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
  /** From the sending to the last byte. */
  readonly ms: number;
}

export type Ending = 'answered' | 'refused' | 'broken off';

export interface Judged {
  readonly ending: Ending;
  /** How the client was told something that is not so. */
  readonly untruths: readonly string[];
}

interface Failure {
  readonly message: string;
  readonly type: string;
  readonly code: string | null;
  readonly param: null;
}

/** Timers of two processes, and the way between them. */
const SLACK_MS = 100;

/** Compares what a client was told with what its calls came to at the upstreams. */
export function judge(asked: Asked, told: Told, calls: readonly Call[]): Judged {
  const heard = told.status === 200 ? (asked.isStream ? streamed(told.body) : plain(told.body)) : refused(told);
  return { ending: heard.ending, untruths: [...heard.untruths, ...against(heard, { asked, told, calls })] };
}

interface Heard extends Judged {
  readonly text: string;
  readonly failure: Failure | undefined;
}

function against({ ending, text, failure }: Heard, facts: Facts): readonly string[] {
  const { calls } = facts;
  if (failure !== undefined) {
    const spoken = text === '' || calls.some((call) => call.text.startsWith(text));
    return [...(spoken ? [] : [`nobody said ${text}`]), ...faultsOf(failure, ending, facts)];
  }
  const sent = calls.filter(({ sentAt }) => sentAt !== undefined);
  return sent.some((call) => call.text === text) ? [] : [`no call sent ${JSON.stringify(text)} and no more`];
}

interface Facts {
  readonly asked: Asked;
  readonly told: Told;
  readonly calls: readonly Call[];
}

/** A failure is true where the time was up, or no call went well. */
function faultsOf({ code }: Failure, ending: Ending, { asked, told, calls }: Facts): readonly string[] {
  const isLate = told.ms > asked.timeoutMs - SLACK_MS;
  if (isLate && code === 'timeout') return [];
  const well = calls.filter(({ sentAt, closedAt }) => sentAt !== undefined && closedAt !== undefined);
  if (well.length > 0 && !isLate) return [`${code} although call "${well[0]?.text}" went well`];
  const spoke = calls.some(({ spokeAt }) => spokeAt !== undefined);
  return ending === 'broken off' && !spoke ? ['broken off, but never begun'] : [];
}

const RETRIED = new Set([429, 503]);

function refused({ status, headers, body }: Told): Heard {
  const failure = failureIn(body);
  const [should, wait] = [headers['x-should-retry'], headers['retry-after-ms']];
  const isHonest = should === 'false' || (should === 'true' && RETRIED.has(status) && Number(wait) > 0);
  return {
    ...{ ending: 'refused', text: '', failure: failure ?? UNREADABLE },
    untruths: [
      ...(failure === undefined ? [`no error: ${body}`] : []),
      ...(status >= 429 && status <= 504 ? [] : [`status ${status}: ${body}`]),
      ...(isHonest ? [] : [`x-should-retry: ${String(should)} with ${status} and ${String(wait)} ms`]),
    ],
  };
}

const UNREADABLE: Failure = { message: '', type: '', code: null, param: null };

function plain(body: string): Heard {
  const { choices } = JSON.parse(body) as { choices: readonly { readonly message: { readonly content: string } }[] };
  return { ending: 'answered', text: choices[0]?.message.content ?? '', failure: undefined, untruths: [] };
}

interface Chunk {
  readonly choices?: readonly {
    readonly delta: { readonly content?: string };
    readonly finish_reason: string | null;
  }[];
}

/** A stream ends with `[DONE]` after its finish, or with an error and neither of them. */
function streamed(body: string): Heard {
  const events = body.split('\n\n').filter((event) => event.startsWith('data: '));
  const words = events.map((event) => event.slice('data: '.length));
  const last = words.at(-1) ?? '';
  const failure = last === '[DONE]' ? undefined : (failureIn(last) ?? UNREADABLE);
  const chunks = words.slice(0, -1).map((word) => JSON.parse(word) as Chunk);
  const strangers = chunks.filter((each) => each.choices === undefined);
  const choices = chunks.flatMap((each) => each.choices ?? []);
  const finishes = choices.flatMap(({ finish_reason: reason }) => reason ?? []).join();
  return {
    ending: failure === undefined ? 'answered' : 'broken off',
    text: choices.map(({ delta }) => delta.content ?? '').join(''),
    failure,
    untruths: [
      ...strangers.map((event) => `it goes on after ${JSON.stringify(event)}`),
      ...(failure === UNREADABLE ? [`it ends with neither an error nor [DONE]: ${last}`] : []),
      ...(finishes === (failure === undefined ? 'stop' : '') ? [] : [`finish "${finishes}" before ${last}`]),
    ],
  };
}

/** An error in the only form in which clients know it. */
function failureIn(text: string): Failure | undefined {
  if (!text.startsWith('{"error":')) return undefined;
  const { error } = JSON.parse(text) as { readonly error: Failure };
  const isKnown = error.message !== '' && error.type !== '' && error.code !== undefined && error.param === null;
  return isKnown ? error : undefined;
}
