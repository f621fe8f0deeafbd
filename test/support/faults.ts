import OpenAI from 'openai';
import { startGateway, type Gateway } from './gateway.js';
import {
  answerWith,
  chunk,
  completion,
  events,
  startUpstream,
  streamOf,
  usageChunk,
  type Script,
  type UpstreamRequest,
} from './upstream.js';

/** A target of a route: how it answers, or the URL where nobody does; and what its provider's config has beyond its address. */
export interface Target {
  readonly plays: Script | string;
  readonly provider?: object;
}

/** A route that is put to the test, under a name of its own: nothing that happens on it is felt on another. */
export interface TestedRoute {
  readonly targets: readonly Target[];
  /** Beside its targets. */
  readonly model?: object;
}

/** One answer of the gateway, as it was written. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a user of the SDK gets, and how. */
export interface Outcome {
  readonly text: string;
  readonly finish: string | null;
  readonly error: unknown;
  /** The gateway's answers to the SDK, which asks again where it is told to. */
  readonly answers: readonly Answer[];
  /** The last of these. */
  readonly answer: Answer;
  readonly ms: number;
}

/** A request's row in the ledger. */
export interface LedgerRow {
  readonly outcome: string;
  readonly status: number;
  readonly error_code: string | null;
  readonly cost_nano_usd: number | null;
  readonly attempts: readonly Readonly<Record<string, unknown>>[];
}

export interface Course {
  readonly gateway: Gateway;
  /** Asks through the SDK as it comes, with its own retries. */
  ask(route: string, options?: AskOptions): Promise<Outcome>;
  /** What each target of the route was sent. */
  calls(route: string): readonly (readonly UpstreamRequest[])[];
  /** Once there are so many, the oldest first. */
  ledger(route: string, rows: number): Promise<readonly LedgerRow[]>;
  close(): Promise<void>;
}

export interface AskOptions {
  readonly stream?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  /** The SDK's own time-out for this request, in milliseconds. */
  readonly timeout?: number;
}

/** Of targets whose silence is to be noticed soon, and whose answers are not to be missed on a busy machine. */
export const CLOCKS = { connect: '400ms', firstToken: '400ms', idle: '400ms', total: '8s' };
export const ANSWER = 'Hello there';

/** A gateway with these routes, each over providers of its own. */
export async function startCourse(routes: Readonly<Record<string, TestedRoute>>): Promise<Course> {
  const upstream = await startUpstream();
  const names = Object.keys(routes);
  const pathOf = (route: string, target: number) => `/${names.indexOf(route)}/${target}`;
  upstream.play((request) => {
    const [, route = '', target = ''] = request.url.split('/');
    const plays = routes[names[Number(route)] ?? '']?.targets[Number(target)]?.plays;
    return typeof plays === 'function' ? plays(request) : undefined;
  });
  const gateway = await startGateway({ config: configOf(routes, (...place) => upstream.url + pathOf(...place)) });
  return {
    gateway,
    ask: (route, options = {}) => askOnce(gateway, route, options),
    calls: (route) =>
      (routes[route]?.targets ?? []).map((_, target) =>
        upstream.requests.filter(({ url }) => url.startsWith(`${pathOf(route, target)}/`)),
      ),
    ledger: (route, rows) => ledgerOf(gateway, route, rows),
    close: async () => {
      await gateway.close();
      await upstream.close();
    },
  };
}

function configOf(routes: Readonly<Record<string, TestedRoute>>, urlOf: (route: string, target: number) => string) {
  const providers: Record<string, object> = {};
  const models: Record<string, object> = {};
  for (const [route, { targets, model }] of Object.entries(routes)) {
    targets.forEach(({ plays, provider }, at) => {
      const baseUrl = typeof plays === 'string' ? plays : urlOf(route, at);
      const usual = { type: 'openai-compatible', apiKeys: ['a-key'], timeouts: CLOCKS };
      providers[nameOf(route, at)] = { ...usual, baseUrl, ...provider };
    });
    const called = targets.map((_, at) => ({ provider: nameOf(route, at), model: 'm' }));
    models[route] = { retries: 1, ...model, targets: called };
  }
  return { providers, models };
}

/** The provider's name of a target. */
export const nameOf = (route: string, target: number): string => `${route.replaceAll(/\W+/g, '-')}-${target}`;

async function askOnce(gateway: Gateway, model: string, { stream = false, headers, timeout }: AskOptions) {
  const taken: Promise<Answer>[] = [];
  const client = new OpenAI({
    baseURL: `${gateway.url}/v1`,
    apiKey: gateway.key,
    fetch: (url, init) => tapped(url, init, taken),
    ...(headers && { defaultHeaders: headers }),
  });
  // Given to the client instead, the gateway would not hear of it.
  const { completions } = client.chat;
  const options = timeout === undefined ? {} : { timeout };
  const started = performance.now();
  const got = { text: '', finish: null as string | null, error: undefined as unknown };
  try {
    if (stream) await readStream(await completions.create({ model, messages: HI, stream: true }, options), got);
    else {
      const [choice] = (await completions.create({ model, messages: HI }, options)).choices;
      [got.text, got.finish] = [choice?.message.content ?? '', choice?.finish_reason ?? null];
    }
  } catch (error) {
    got.error = error;
  }
  const ms = performance.now() - started;
  const answers = await Promise.all(taken);
  const answer = answers.at(-1) ?? { status: 0, headers: {}, body: '' };
  return { ...got, answers, answer, ms };
}

const HI = [{ role: 'user' as const, content: 'hi' }];

async function readStream(
  chunks: AsyncIterable<OpenAI.ChatCompletionChunk>,
  got: { text: string; finish: string | null },
): Promise<void> {
  for await (const { choices } of chunks) {
    got.text += choices[0]?.delta.content ?? '';
    got.finish ??= choices[0]?.finish_reason ?? null;
  }
}

/** The SDK stops reading at an error; what the gateway writes after it is to be seen too. */
async function tapped(url: string | URL | Request, init: RequestInit | undefined, taken: Promise<Answer>[]) {
  const impatience = new AbortController();
  const giveUp = () => impatience.abort();
  init?.signal?.addEventListener('abort', giveUp);
  const response = await fetch(url, { ...init, signal: impatience.signal });
  init?.signal?.removeEventListener('abort', giveUp);
  const { status } = response;
  const headers = Object.fromEntries(response.headers);
  const [ours, theirs] = response.body?.tee() ?? [null, null];
  taken.push(new Response(ours).text().then((body) => ({ status, headers, body })));
  return new Response(theirs, { status, headers });
}

async function ledgerOf(gateway: Gateway, route: string, rows: number): Promise<readonly LedgerRow[]> {
  for (let tries = 0; tries < 100; tries++) {
    const answer = await gateway.admin('GET', `/admin/requests?model=${encodeURIComponent(route)}`);
    const { data } = (await answer.json()) as { readonly data: readonly LedgerRow[] };
    if (data.length >= rows) return data.toReversed();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`The ledger has fewer than ${rows} rows of ${route}.`);
}

/** Ways of a provider that speaks the dialect of OpenAI. */
export const isAskedForStream = ({ body }: UpstreamRequest): boolean =>
  (JSON.parse(body) as { stream?: boolean }).stream === true;

export const either =
  (json: Script, stream: Script): Script =>
  (request) =>
    (isAskedForStream(request) ? stream : json)(request);

export const WORDS = ['Hel', 'lo', ' ', 'th', 'ere'].map((content) => chunk({ content }));
export const CHUNKS: readonly object[] = [chunk({ role: 'assistant', content: '' }), ...WORDS, chunk({}, 'stop')];
export const answering: Script = either(
  answerWith(completion(ANSWER)),
  streamOf(events(...CHUNKS, usageChunk(), '[DONE]')),
);

export const failing = (status: number, headers: Readonly<Record<string, string>> = {}): Script =>
  answerWith({ error: { message: 'No.', type: 'x', code: null } }, { status, headers });

/** One way after the other, then the last for ever. */
export function inTurn(...scripts: readonly Script[]): Script {
  let at = 0;
  return (request) => scripts[Math.min(at++, scripts.length - 1)]?.(request);
}
