import fc from 'fast-check';
import { setTimeout as sleep } from 'node:timers/promises';
import { startGateway, type Gateway } from '../support/gateway.js';
import {
  chunk,
  completion,
  events,
  startUpstream,
  usageChunk,
  type FakeUpstream,
  type Script,
} from '../support/upstream.js';

/** How one call ends: with counts, with a refusal, broken off after some words, or left by the client. */
type Course =
  | { readonly kind: 'answered'; readonly prompt: number; readonly cached: number; readonly answer: number }
  | { readonly kind: 'uncounted'; readonly words: number }
  | { readonly kind: 'refused'; readonly status: 400 | 429 | 503 }
  | { readonly kind: 'cut'; readonly words: number }
  | { readonly kind: 'left'; readonly words: number };

/** One request: what becomes of each call that is made for it. */
interface Asked {
  readonly stream: boolean;
  readonly courses: readonly Course[];
}

const WORD = 'lorem ';
const words = fc.integer({ min: 0, max: 40 });
const course: fc.Arbitrary<Course> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('answered' as const),
      prompt: fc.nat(9_000),
      cached: fc.nat(99),
      answer: fc.nat(900),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('uncounted' as const), words }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('refused' as const),
      status: fc.constantFrom(400 as const, 429 as const, 503 as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cut' as const), words }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('left' as const), words }) },
);
const sequence = fc.array(
  fc.record({ stream: fc.boolean(), courses: fc.array(course, { minLength: 3, maxLength: 3 }) }),
  {
    minLength: 1,
    maxLength: 12,
  },
);

/** What the upstream has told in answers that it sent in full, and how many calls it broke off or left uncounted. */
class Reports {
  prompt = 0;
  cached = 0;
  answer = 0;
  counted = 0;
  guessed = 0;
  refused = 0;
}

interface AttemptShown {
  readonly outcome: string;
  readonly usage: {
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly cached_tokens: number;
  } | null;
  readonly usage_source: string;
  readonly cost_nano_usd: number | null;
}

interface RequestShown extends AttemptShown {
  readonly request_id: string;
  readonly attempts: readonly AttemptShown[];
}

interface Standing {
  readonly limits: {
    readonly tpm: { readonly limit: number; readonly remaining: number };
    readonly concurrency: { readonly in_use: number };
  };
  readonly budget: { readonly spent_usd: number };
  readonly total: {
    readonly requests: number;
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly cost_usd: number;
  };
}

const TPM = 1_000_000_000;
const BUDGET = { usd: 1_000_000, per: 'total' };
/** $2, $0.50 and $8 a million: the list price of the model that the config names. */
const costOf = (prompt: number, cached: number, answer: number) =>
  (prompt - cached) * 2_000 + cached * 500 + answer * 8_000;

describe('the ledger', () => {
  let upstream: FakeUpstream;
  let gateway: Gateway;
  let key: string;
  let reports: Reports;
  let courses: readonly (readonly Course[])[];

  beforeAll(async () => {
    upstream = await startUpstream();
    const providers = ['one', 'two', 'three'];
    gateway = await startGateway({
      config: {
        providers: Object.fromEntries(
          providers.map((name) => [name, { type: 'openai', baseUrl: `${upstream.url}/v1`, apiKey: 'k' }]),
        ),
        models: {
          m: {
            targets: providers.map((provider) => ({ provider, model: 'gpt-4.1' })),
            retries: 0,
            tpm: TPM,
            budget: BUDGET,
            concurrency: 500,
          },
        },
        teams: [{ name: 'search', tpm: TPM, concurrency: 500, budget: BUDGET }],
      },
    });
    const made = await gateway.admin('POST', '/admin/keys', {
      name: 'k',
      owner: 'search',
      tpm: TPM,
      concurrency: 500,
      budget: BUDGET,
    });
    ({ key } = (await made.json()) as { key: string });
    upstream.play(follow);
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
  });

  const calls = new Map<string, number>();
  const follow: Script = async (request) => {
    const { messages, stream = false } = JSON.parse(request.body) as {
      messages: { content: string }[];
      stream?: boolean;
    };
    const name = messages[0]?.content ?? '';
    const call = calls.get(name) ?? 0;
    calls.set(name, call + 1);
    const course = courses[Number(name)]?.[call];
    if (course === undefined) throw new Error('A call that nobody made.');
    await play(course, stream)(request);
  };

  /** Answers by the course, and notes what was told. */
  function play(course: Course, stream: boolean): Script {
    const { kind } = course;
    switch (kind) {
      case 'refused':
        reports.refused += 1;
        return ({ response }) =>
          void response
            .writeHead(course.status, { 'content-type': 'application/json' })
            .end('{"error":{"message":"no"}}');
      case 'answered': {
        const usage = usageOf(course);
        reports.counted += 1;
        reports.prompt += usage.prompt_tokens;
        reports.cached += usage.prompt_tokens_details.cached_tokens;
        reports.answer += usage.completion_tokens;
        return whole(stream, 3, usage);
      }
      case 'uncounted':
        reports.guessed += 1;
        return whole(stream, course.words, undefined);
      case 'cut':
      case 'left':
        reports.guessed += 1;
        return async ({ response }) => {
          const text = stream ? events(chunk({ role: 'assistant', content: '' }), ...spoken(course.words)) : '{"id":';
          response.writeHead(200, { 'content-type': stream ? 'text/event-stream' : 'application/json' }).write(text);
          await sleep(10);
          if (kind === 'cut') response.destroy();
        };
    }
  }

  /** Asks, and leaves where the course says so; what became of it stands in the ledger. */
  async function ask({ stream, courses: planned }: Asked, name: number): Promise<void> {
    const leaving = new AbortController();
    const leaves = planned.findIndex(({ kind }) => kind === 'left');
    const timer = leaves === -1 ? undefined : setTimeout(() => leaving.abort(), 250);
    try {
      const response = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'm', stream, messages: [{ role: 'user', content: String(name) }] }),
        signal: leaving.signal,
      });
      await response.text();
    } catch (error) {
      if (!leaving.signal.aborted) throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async function records(count: number): Promise<readonly RequestShown[]> {
    for (const until = performance.now() + 10_000; performance.now() < until; await sleep(20)) {
      const found: RequestShown[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const page: Response = await gateway.admin(
          'GET',
          `/admin/requests?model=m&limit=500${cursor && `&cursor=${cursor}`}`,
        );
        const { data, next_cursor } = (await page.json()) as { data: RequestShown[]; next_cursor: string | null };
        found.push(...data);
        cursor = next_cursor;
      }
      if (found.length >= count) return found;
    }
    throw new Error(`There are no ${count} records.`);
  }

  it('adds up to what was told and to what is marked as guessed, and nothing stays reserved, whatever becomes of the calls', async () => {
    let before = 0;
    const sums = { tokens: 0, cost: 0 };
    await fc.assert(
      fc.asyncProperty(sequence, async (asked) => {
        reports = new Reports();
        calls.clear();
        courses = asked.map((one) => one.courses);
        await Promise.all(asked.map(ask));
        const all = await records(before + asked.length);
        expect(all).toHaveLength(before + asked.length);
        const made = all.slice(0, asked.length);
        before += asked.length;

        const attempts = made.flatMap((record) => record.attempts);
        const of = (source: string) => attempts.filter((attempt) => attempt.usage_source === source);
        const counted = of('provider');
        expect({
          prompt: total(counted, 'prompt_tokens'),
          cached: total(counted, 'cached_tokens'),
          answer: total(counted, 'completion_tokens'),
          counted: counted.length,
          guessed: of('estimated').length,
          refused: of('none').length,
        }).toEqual({ ...reports });
        for (const { usage } of of('estimated')) expect(usage?.prompt_tokens).toBeGreaterThan(0);
        for (const { usage, cost_nano_usd: cost } of attempts) {
          const { prompt_tokens: prompt = 0, cached_tokens: cached = 0, completion_tokens: answer = 0 } = usage ?? {};
          expect(cost).toBe(costOf(prompt, cached, answer));
        }
        for (const record of made) {
          const cost = record.attempts.reduce((sum, attempt) => sum + (attempt.cost_nano_usd ?? NaN), 0);
          const tokens = total(record.attempts, 'prompt_tokens') + total(record.attempts, 'completion_tokens');
          expect(record.cost_nano_usd).toBe(cost);
          expect(total([record], 'prompt_tokens') + total([record], 'completion_tokens')).toBe(tokens);
          sums.cost += cost;
          sums.tokens += tokens;
        }
        const usage = await fetch(`${gateway.url}/v1/usage`, { headers: { authorization: `Bearer ${key}` } });
        const { limits, budget, total: all_ } = (await usage.json()) as Standing;
        expect(limits.concurrency.in_use).toBe(0);
        expect(limits.tpm.remaining).toBe(TPM - sums.tokens);
        expect(budget.spent_usd).toBeCloseTo(sums.cost / 1e9, 9);
        expect(all_.requests).toBe(before);
        expect(all_.prompt_tokens + all_.completion_tokens).toBe(sums.tokens);
        expect(all_.cost_usd).toBeCloseTo(sums.cost / 1e9, 9);
      }),
      { numRuns: 25, endOnFailure: true },
    );
  }, 55_000);
});

const usageOf = ({
  prompt,
  cached,
  answer,
}: {
  readonly prompt: number;
  readonly cached: number;
  readonly answer: number;
}) => ({
  prompt_tokens: prompt,
  completion_tokens: answer,
  total_tokens: prompt + answer,
  prompt_tokens_details: { cached_tokens: Math.min(cached, prompt) },
});

const spoken = (count: number) => Array.from({ length: count }, () => chunk({ content: WORD }));

/** An answer in full, with its counts or without. */
function whole(stream: boolean, count: number, usage: object | undefined): Script {
  return ({ response }) => {
    response.writeHead(200, { 'content-type': stream ? 'text/event-stream' : 'application/json' });
    if (!stream) return void response.end(JSON.stringify(completion(WORD.repeat(count), { usage })));
    const counts = usage === undefined ? [] : [usageChunk(usage)];
    response.end(
      events(chunk({ role: 'assistant', content: '' }), ...spoken(count), chunk({}, 'stop'), ...counts, '[DONE]'),
    );
  };
}

function total(rows: readonly AttemptShown[], field: 'prompt_tokens' | 'completion_tokens' | 'cached_tokens'): number {
  return rows.reduce((sum, { usage }) => sum + (usage?.[field] ?? 0), 0);
}
