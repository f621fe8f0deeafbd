import { setTimeout as delay } from 'node:timers/promises';
import { Observable, type Subscription } from 'rxjs';
import { ProviderState } from '../../availability/provider-state.js';
import { UpstreamState } from '../../availability/upstream-state.js';
import type { ChatAnswer } from '../../domain/chat-answer.js';
import type { ChatFrame } from '../../domain/chat-frame.js';
import type { ChatRequest } from '../../domain/chat.js';
import type { Deployment, Route } from '../../domain/deployment.js';
import { InvalidRequestError, UnfitAnswerError, UpstreamError, type GatewayError } from '../../domain/errors.js';
import { RequestContext, type ClientWishes } from '../../domain/request-context.js';
import type { RequestEstimates } from '../estimate.js';
import type { Step } from '../plan/plan.js';
import { deadlineOf } from './deadline.js';
import { Hedging } from './hedging.js';
import { Pursuit } from './pursuit.js';

const FRAME = { bytes: Buffer.from('data: 1\n\n') } as unknown as ChatFrame;
const TOO_LONG = new UpstreamError('x', { status: 400, code: 'context_length_exceeded' });
const BROKEN = new UpstreamError('x', { status: 500 });
const UNSENDABLE = new InvalidRequestError('x', { param: 'n' });

/** What one provider does with a call: fails with this after so many ms; 0: at once; null: it never answers. */
type Doing = { readonly error?: GatewayError; readonly afterMs: number | null };

interface Scene {
  readonly step: Step;
  /** Calls made, and those that are still open. */
  readonly calls: { made: number; open: number };
}

function scene(name: string, { error, afterMs }: Doing, terms: { total?: number; concurrency?: number } = {}): Scene {
  const { total = 500, concurrency } = terms;
  const deployment: Deployment = {
    provider: name,
    model: 'm',
    baseModel: 'm',
    facts: {},
    endpoint: { type: 'openai', baseUrl: '', credentials: [], headers: {}, settings: {} },
    timeouts: { connect: total, firstToken: total, idle: total, total },
    weight: 1,
  };
  const route: Route = {
    name,
    deployments: [deployment],
    strategy: 'priority',
    retries: 0,
    fallbacks: { failure: [], contextWindow: [], contentPolicy: [] },
    total,
    hedge: { maxShare: 1 },
    defaults: {},
  };
  const calls = { made: 0, open: 0 };
  const stream = () =>
    new Observable<ChatFrame>((frames) => {
      calls.made += 1;
      calls.open += 1;
      frames.add(() => (calls.open -= 1));
      const answer = () => {
        if (error !== undefined) return frames.error(error);
        frames.next(FRAME);
        frames.complete();
      };
      if (afterMs === 0) answer();
      else if (afterMs !== null) setTimeout(answer, afterMs);
    });
  const shared = new ProviderState({ keys: [], concurrency });
  const upstream = new UpstreamState(`${name}/m`, { provider: name, model: 'm', shared, tell: () => undefined });
  return {
    step: { deployment, route, operation: { stream, complete: () => Promise.reject(BROKEN) }, upstream },
    calls,
  };
}

interface Going {
  readonly context: RequestContext;
  readonly ended: Promise<unknown>;
  readonly client: Subscription;
}

const asked: ChatRequest = { model: 'm', messages: [], stream: true };

/** Pursues a stream; `ended` is what it failed with, or 'answered'. */
function pursue(steps: readonly Step[], wishes: Partial<ClientWishes> = {}, instead: readonly Step[] = []): Going {
  const context = new RequestContext('req_1', performance.now(), Date.now(), { strict: false, tags: [], ...wishes });
  const deadline = deadlineOf(context, steps[0]?.route.total ?? 0);
  const journey = { asked, context, plan: { steps, others: [] }, deadline, instead: () => instead };
  let client!: Subscription;
  const ended = new Promise<unknown>((resolve) => {
    client = new Observable<ChatAnswer>((answers) => {
      const pursuit = new Pursuit(journey, new Hedging({} as RequestEstimates), answers);
      answers.add(() => pursuit.stop());
      pursuit.proceed();
    }).subscribe({ error: resolve, complete: () => resolve('answered') });
  });
  return { context, ended, client };
}

const ANSWERS: Doing = { afterMs: 10 };
const SILENT: Doing = { afterMs: null };

describe('a client that leaves the queue', () => {
  it.each<[string, Scene]>([
    ['of its first target', scene('none', { error: UNSENDABLE, afterMs: 0 })],
    ['it came to after a target that failed at once', scene('a', { error: UNSENDABLE, afterMs: 0 })],
  ])('%s is not called for', async (what, first) => {
    const busy = scene('b', SILENT, { concurrency: 1 });
    const holder = pursue([busy.step]);
    const waiting = pursue(what.startsWith('of') ? [busy.step] : [first.step, busy.step]);
    expect(busy.step.upstream.gate.queued).toBe(1);
    waiting.client.unsubscribe();
    expect(busy.step.upstream.gate.queued).toBe(0);
    holder.client.unsubscribe();
    await delay(5);
    expect([busy.calls, busy.step.upstream.inFlight]).toEqual([{ made: 1, open: 0 }, 0]);
  });
});

/** So that the first target is known to answer at once, and a second one is started beside it after a few ms. */
function usuallyQuick(slow: Scene): Scene {
  for (let call = 0; call < 20; call += 1) slow.step.upstream.firstToken.add(5);
  return slow;
}

describe('a refusal for length', () => {
  it.each([
    ['the other one fails too', { error: BROKEN, afterMs: 80 }, 'c'],
    ['the other one refuses too', { error: TOO_LONG, afterMs: 80 }, 'c'],
    ['the other one answers', { afterMs: 80 }, 'b'],
  ])('while a second target runs beside it: %s', async (_, second, from) => {
    const steps = [usuallyQuick(scene('a', { error: TOO_LONG, afterMs: 40 })), scene('b', second), scene('c', ANSWERS)];
    const [a, b, c] = steps.map(({ step }) => step) as [Step, Step, Step];
    const { ended, context } = pursue([a, b], {}, [c]);
    expect(await ended).toBe('answered');
    expect(context.answering?.deployment.provider).toBe(from);
  });

  it('goes through the whole list of larger models', async () => {
    const small = { error: TOO_LONG, afterMs: 1 };
    const steps = [scene('a', small), scene('b', small), scene('c', ANSWERS)];
    const [a, b, c] = steps.map(({ step }) => step) as [Step, Step, Step];
    const { ended, context } = pursue([a], {}, [b, c]);
    expect(await ended).toBe('answered');
    expect(context.attempts.map(({ deployment }) => deployment.provider)).toEqual(['a', 'b', 'c']);
  });
});

describe('what was never sent is no attempt', () => {
  it.each([
    ['the next target answers at once', undefined],
    ['the next target lets it wait', 1],
  ])('where %s', async (_, concurrency) => {
    const unsendable = scene('a', { error: UNSENDABLE, afterMs: 0 });
    const next = scene('b', ANSWERS, concurrency === undefined ? {} : { concurrency });
    const holder = concurrency === undefined ? undefined : pursue([next.step]);
    const { ended, context } = pursue([unsendable.step, next.step]);
    expect(await ended).toBe('answered');
    expect(context.attempts.map(({ deployment }) => deployment.provider)).toEqual(['b']);
    await holder?.ended;
  });
});

describe('the breaker', () => {
  const endsOf = async (doing: Doing, wishes: Partial<ClientWishes>, total: number): Promise<Scene> => {
    const one = scene('a', doing, { total });
    for (let call = 0; call < 5; call += 1) await pursue([one.step], wishes).ended;
    await delay(1);
    return one;
  };

  it.each<[string, Doing, Partial<ClientWishes>, total: number, state: string]>([
    ['opens where a provider fails', { error: BROKEN, afterMs: 1 }, {}, 500, 'open'],
    ['opens where all its time runs out', SILENT, {}, 150, 'open'],
    ['does not mind a client in a hurry', SILENT, { timeoutMs: 20 }, 500, 'closed'],
    [
      'does not mind a schema that no answer fits',
      { error: new UnfitAnswerError('x', undefined), afterMs: 1 },
      {},
      500,
      'closed',
    ],
  ])('%s', async (_, doing, wishes, total, state) => {
    const { step } = await endsOf(doing, wishes, total);
    expect(step.upstream.breaker).toBe(state);
  });

  it('does not blame a target that had only what another one left of the time', async () => {
    const slow = scene('a', { error: BROKEN, afterMs: 60 }, { total: 100 });
    const next = scene('b', SILENT, { total: 100 });
    for (let call = 0; call < 5; call += 1) await pursue([slow.step, next.step]).ended;
    await delay(1);
    expect([next.calls.made, slow.step.upstream.breaker, next.step.upstream.breaker]).toEqual([5, 'open', 'closed']);
  });
});
