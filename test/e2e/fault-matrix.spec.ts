import { createServer, type AddressInfo, type Server } from 'node:net';
import OpenAI from 'openai';
import { ANSWER, answering, CLOCKS, nameOf, startCourse } from '../support/faults.js';
import type { Course, LedgerRow, Target, TestedRoute } from '../support/faults.js';
import { BREAKS, FAULTS, type Fault } from './fault-rows.js';

const FORMS = ['JSON', 'stream'] as const;
type Form = (typeof FORMS)[number];
const formsOf = ({ only }: Fault): readonly Form[] => (only === undefined ? FORMS : [only]);
const routeOf = ({ what }: Fault, form: Form, reach: 'first' | 'all') => `${what} (${form}, ${reach})`;

/** None but the one that is meant may end it. */
const clocksOf = ({ clock }: Fault, total: string) =>
  clock === 'total' ? { ...CLOCKS, total } : { ...CLOCKS, ...(clock === 'connect' && { firstToken: '5s' }) };

/** Takes connections, and says this. */
async function startMute(words: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined).unref();
    if (words !== '') socket.end(words);
  });
  await new Promise<void>((resolve) => server.unref().listen(0, '127.0.0.1', resolve));
  return server;
}

let course: Course;
let servers: readonly Server[] = [];

beforeAll(async () => {
  const [plain, mute] = (servers = [await startMute('HTTP/1.1 400 Bad Request\r\n\r\n'), await startMute('')]);
  const at = (server?: Server) => `https://127.0.0.1:${(server?.address() as AddressInfo).port}`;
  const where = new Map<unknown, string>([
    ['plain', at(plain)],
    ['mute', at(mute)],
  ]);
  const routes: Record<string, TestedRoute> = {};
  for (const fault of FAULTS)
    for (const form of formsOf(fault)) {
      const plays = where.get(fault.plays) ?? fault.plays;
      const target = (total: string): Target => ({ plays, provider: { timeouts: clocksOf(fault, total) } });
      routes[routeOf(fault, form, 'first')] = { targets: [target('400ms'), { plays: answering }] };
      routes[routeOf(fault, form, 'all')] = { targets: [target('400ms'), target('1s')] };
    }
  for (const { what, plays } of BREAKS) routes[what] = { targets: [{ plays }, { plays: answering }] };
  course = await startCourse(routes);
});

afterAll(async () => {
  await course.close();
  for (const server of servers) server.close();
});

/** How many requests each target got. */
const sent = (route: string): readonly number[] => course.calls(route).map((requests) => requests.length);
const reached = ({ plays }: Fault, calls: number): number => (typeof plays === 'string' ? 0 : calls);

type Attempt = LedgerRow['attempts'][number];
const [RETRIES, TARGETS] = [1, 2];
const times = <T>(count: number, value: T): readonly T[] => Array<T>(count).fill(value);

const failed = ({ code, told, cost = null }: Fault, route: string, target: number) => ({
  provider: nameOf(route, target),
  outcome: 'failed',
  status: told,
  error_code: code,
  cost_nano_usd: cost,
});
const byProvider = (one: Attempt, other: Attempt): number =>
  String(one['provider']) < String(other['provider']) ? -1 : 1;

it.each(FAULTS)(
  '$what: the next target answers; where none does, the client is told, and asks in vain',
  async (fault) => {
    await Promise.all(formsOf(fault).flatMap((form) => [isNotSeen(fault, form), isTold(fault, form)]));
  },
);

/** The first target fails: nobody but the ledger knows. */
async function isNotSeen(fault: Fault, form: Form): Promise<void> {
  const route = routeOf(fault, form, 'first');
  const [failures] = fault.calls;
  const { text, finish, error, answers, answer } = await course.ask(route, { stream: form === 'stream' });
  expect({ route, error, text, finish }).toEqual({ route, error: undefined, text: ANSWER, finish: 'stop' });
  expect(answers).toHaveLength(1);
  expect(answer.body.endsWith('data: [DONE]\n\n')).toBe(form === 'stream');
  expect(answer.headers).toMatchObject({
    'x-parley-provider': nameOf(route, 1),
    'x-parley-attempts': String(failures + 1),
  });
  const [record] = await course.ledger(route, 1);
  expect(record).toMatchObject({ outcome: 'completed', status: 200, error_code: null, cost_nano_usd: null });
  const completed = { provider: nameOf(route, 1), outcome: 'completed', status: 200, error_code: null };
  const attempts = [...times(failures, failed(fault, route, 0)), completed];
  expect(record?.attempts).toEqual(attempts.map((attempt) => expect.objectContaining(attempt)));
  expect(sent(route)).toEqual([reached(fault, failures), 1]);
}

/** All targets fail: the client reads why, and however often its SDK asks again, the route makes its attempts once. */
async function isTold(fault: Fault, form: Form): Promise<void> {
  const route = routeOf(fault, form, 'all');
  const [, each] = fault.calls;
  const known = fault.wait !== undefined;
  const { error, answers, text } = await course.ask(route, { stream: form === 'stream' });
  expect(error).toBeInstanceOf(fault.status === 429 ? OpenAI.RateLimitError : OpenAI.InternalServerError);
  expect({ route, error, text }).toMatchObject({ error: { status: fault.status, code: fault.code }, text: '' });
  if (fault.clock !== undefined) expect(String(error)).toContain(`(${fault.clock}: `);
  expect(answers).toHaveLength(known ? 3 : 1);
  for (const { headers } of answers) {
    expect(headers).toMatchObject({ 'x-should-retry': String(known), 'x-parley-attempts': String(each * TARGETS) });
    const waits = known ? ['1', String(fault.wait)] : [undefined, undefined];
    expect([headers['retry-after'], headers['retry-after-ms']]).toEqual(waits);
  }
  const [first, ...repeats] = await course.ledger(route, answers.length);
  const { code: error_code, status, cost: cost_nano_usd = null } = fault;
  expect(first).toMatchObject({ outcome: 'failed', status, error_code, cost_nano_usd });
  const attempts = [0, 1].flatMap((target) => times(each, failed(fault, route, target)));
  expect(first?.attempts.toSorted(byProvider)).toEqual(attempts.map((attempt) => expect.objectContaining(attempt)));
  for (const repeat of repeats) expect(repeat).toMatchObject({ status, error_code, cost_nano_usd: 0, attempts: [] });
  expect(each).toBeLessThanOrEqual(1 + RETRIES);
  expect(sent(route)).toEqual([reached(fault, each), reached(fault, each)]);
}

describe.each(BREAKS)('in the middle of a stream, $what', ({ what, code, told, clock }) => {
  it('is an error in the stream, which nothing makes up for', async () => {
    const { error, text, finish, answers, answer } = await course.ask(what, { stream: true });
    expect(error).toBeInstanceOf(OpenAI.APIError);
    expect({ error, text, finish }).toMatchObject({ error: { code }, text: 'Hel', finish: null });
    if (clock !== undefined) expect(String(error)).toContain(`(${clock}: `);
    expect(answers).toHaveLength(1);
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'x-parley-provider': nameOf(what, 0), 'x-parley-attempts': '1' },
      body: expect.stringMatching(/^(data: \{.+\}\n\n){3}$/),
    });
    expect(answer.body.match(/"error":|\[DONE\]/g)).toEqual(['"error":']);
    const [record] = await course.ledger(what, 1);
    expect(record).toMatchObject({ outcome: 'failed', status: 200, error_code: code, cost_nano_usd: null });
    const attempt = { provider: nameOf(what, 0), outcome: 'failed', status: told, error_code: code };
    expect(record?.attempts).toEqual([expect.objectContaining({ ...attempt, cost_nano_usd: null })]);
    expect(sent(what)).toEqual([1, 0]);
  });
});
