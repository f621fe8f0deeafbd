import { jest } from '@jest/globals';
import type { Config, ProviderConfig } from '../config/config.js';
import { LiveConfig } from '../config/live-config.js';
import type { Deployment } from '../domain/deployment.js';
import { Secret } from '../domain/secret.js';
import { Availability } from './availability.js';
import { BreakerNews, type BreakerNewsItem } from './breaker-news.js';
import type { Credential } from './credential-pool.js';
import type { CallEnd } from './passage.js';
import type { UpstreamState } from './upstream-state.js';

/** One channel for all replicas of a test; what is said on it is kept. */
class Channel {
  readonly said: BreakerNewsItem[] = [];
  readonly #replicas: Replica[] = [];

  replica(): BreakerNews {
    const replica = new Replica(this);
    this.#replicas.push(replica);
    return replica;
  }

  say(item: BreakerNewsItem, from?: Replica): void {
    this.said.push(item);
    for (const replica of this.#replicas) if (replica !== from) replica.listener(item);
  }
}

class Replica extends BreakerNews {
  listener: (item: BreakerNewsItem) => void = () => undefined;
  constructor(private readonly channel: Channel) {
    super();
  }
  override publish(item: BreakerNewsItem): void {
    this.channel.say(item, this);
  }
  override subscribe(listener: (item: BreakerNewsItem) => void): void {
    this.listener = listener;
  }
}

type Given = Readonly<Record<string, Pick<Partial<ProviderConfig>, 'concurrency'> & { keys?: readonly string[] }>>;

const configOf = (given: Given) =>
  ({
    providers: Object.entries(given).map(([name, { keys = ['sk-first-key-0001'], ...rest }]) => ({
      name,
      apiKeys: keys.map((key) => new Secret(key)),
      ...rest,
    })),
  }) as unknown as Config;

const deployment = (provider: string, model = 'm', keys: readonly Secret[] = []) =>
  ({ provider, model, endpoint: { credentials: keys } }) as unknown as Deployment;

const start = (given: Given = { p: {} }, channel = new Channel()) => {
  const live = new LiveConfig(configOf(given));
  const availability = new Availability(live, channel.replica());
  return { live, availability, channel, upstream: availability.of(deployment('p')) };
};

const NONE: ReadonlySet<string> = new Set();
const ENDS = {
  A: { kind: 'answered' },
  F: { kind: 'failed' },
  U: { kind: 'untold' },
  L: { kind: 'limited', waitMs: undefined },
  W: { kind: 'limited', waitMs: 1 },
  '1': { kind: 'refused', status: 401 },
  '2': { kind: 'refused', status: 402 },
  '3': { kind: 'refused', status: 403 },
} as const satisfies Record<string, CallEnd>;

const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);
const chosen = (upstream: UpstreamState, used = NONE): Credential => {
  const credential = upstream.choose(used);
  if (credential === undefined) throw new Error('There is no credential.');
  return credential;
};
/** Calls one after the other, each to its end; letters as in ENDS. */
const calls = async (upstream: UpstreamState, ends: string, credential?: Credential) => {
  for (const letter of ends) {
    upstream.begin(credential ?? chosen(upstream)).end(ENDS[letter as keyof typeof ENDS]);
    await pass(0);
  }
};
const callable = (upstream: UpstreamState) => upstream.isCallable(performance.now());
const resting = (upstream: UpstreamState) => upstream.isResting(performance.now());
/** The credential for a call that is no last resort. */
const ready = (upstream: UpstreamState): Credential => {
  expect(callable(upstream)).toBe(true);
  return chosen(upstream);
};

beforeEach(() => {
  jest.useFakeTimers({ now: 1_800_000_000_000 });
  jest.advanceTimersByTime(5_000);
});
afterEach(() => jest.useRealTimers());

describe('a breaker', () => {
  it.each([
    ['FFFF', 'closed'],
    ['FFFFF', 'open'],
    ['FFFFAFFFF', 'closed'],
    ['FFFFAFFFFF', 'open'],
    ['FFFFUUF', 'open'],
    ['FFFFWF', 'open'],
    ['UUUUUUUU', 'closed'],
    ['WWWWWWWW', 'closed'],
    ['LLLLL', 'open'],
    ['FFFF3FFFF', 'closed'],
  ])('after %s is %s', async (ends, state) => {
    const { upstream } = start();
    await calls(upstream, ends);
    await pass(1); // a rest of W is over
    expect([upstream.breaker, callable(upstream)]).toEqual([state, state === 'closed']);
  });

  it('opens by failures at the same time too, and by those of calls that began before', async () => {
    const { upstream } = start();
    const passages = Array.from({ length: 8 }, () => upstream.begin(chosen(upstream)));
    for (const passage of passages) passage.end(ENDS.F);
    await pass(0);
    expect(upstream.breaker).toBe('open');
    await pass(999);
    expect(upstream.breaker).toBe('open');
    await pass(1);
    expect(upstream.breaker).toBe('half-open');
  });

  it('lets one probe through at a time, and none besides as long as it runs', async () => {
    const { upstream } = start();
    await calls(upstream, 'FFFFF');
    expect(callable(upstream)).toBe(false);
    await pass(1_000);
    const probe = upstream.begin(ready(upstream));
    expect([upstream.breaker, callable(upstream)]).toEqual(['half-open', false]);
    await pass(100_000);
    expect([upstream.breaker, callable(upstream)]).toEqual(['half-open', false]);
    probe.end(ENDS.A);
    probe.end(ENDS.F);
    await pass(0);
    expect([upstream.breaker, callable(upstream)]).toEqual(['closed', true]);
    await calls(upstream, 'FFFF');
    expect(upstream.breaker).toBe('closed');
  });

  it('needs of a probe only that its answer begins, and hears of its end no more', async () => {
    const { upstream } = start();
    await calls(upstream, 'FFFFF');
    await pass(1_000);
    const probe = upstream.begin(ready(upstream));
    probe.begun();
    await pass(0);
    expect([upstream.breaker, upstream.inFlight]).toEqual(['closed', 1]);
    probe.end(ENDS.F);
    await pass(0);
    expect([upstream.breaker, upstream.inFlight]).toEqual(['closed', 0]);
  });

  it('counts streams that begin and then break as failures', async () => {
    const { upstream } = start();
    for (let call = 0; call < 5; call += 1) {
      const passage = upstream.begin(chosen(upstream));
      passage.begun();
      passage.end(ENDS.F);
    }
    await pass(0);
    expect(upstream.breaker).toBe('open');
    const beside = upstream.begin(chosen(upstream));
    beside.begun();
    expect(upstream.breaker).toBe('closed');
    beside.end(ENDS.U);
  });

  it.each<[probes: string, rests: readonly number[]]>([
    ['FFFFFFF', [2, 4, 8, 16, 32, 60, 60]],
    ['FUUF', [2, 1, 1, 4]],
    ['LL', [2, 4]],
  ])('after probes that end %s rests for %j s', async (probes, rests) => {
    const { upstream } = start();
    await calls(upstream, 'FFFFF');
    await pass(1_000);
    for (const [turn, rest] of rests.entries()) {
      await calls(upstream, probes.charAt(turn));
      await pass(rest * 1_000 - 1);
      expect([turn, upstream.breaker, callable(upstream)]).toEqual([turn, 'open', false]);
      await pass(1);
      expect([turn, upstream.breaker, callable(upstream)]).toEqual([turn, 'half-open', true]);
    }
    await calls(upstream, 'A');
    expect(upstream.breaker).toBe('closed');
    await calls(upstream, 'FFFFF');
    await pass(1_000);
    expect(upstream.breaker).toBe('half-open');
  });

  it.each(['3', 'W'])('is closed by a probe that ends %s: the upstream lives', async (end) => {
    const { upstream } = start();
    await calls(upstream, 'FFFFF');
    await pass(1_000);
    await calls(upstream, end);
    expect(upstream.breaker).toBe('closed');
  });

  it('does not mind that the wall clock is set back', async () => {
    const { upstream } = start();
    await calls(upstream, 'FFFFF');
    jest.setSystemTime(1_700_000_000_000);
    await pass(1_000);
    await calls(upstream, 'A');
    expect(upstream.breaker).toBe('closed');
  });

  it('is passed by as a last resort, which leaves it as it is or closes it', async () => {
    const { upstream, channel } = start();
    await calls(upstream, 'FFFFF');
    await calls(upstream, 'FFUWL');
    await pass(999);
    expect(upstream.breaker).toBe('open');
    await pass(1);
    const probe = upstream.begin(chosen(upstream));
    await calls(upstream, 'A');
    expect([upstream.breaker, callable(upstream)]).toEqual(['closed', true]);
    probe.end(ENDS.F);
    await pass(0);
    expect([upstream.breaker, channel.said.length]).toEqual(['closed', 2]);
  });

  it('that has opened again hears nothing of an earlier probe', async () => {
    const { upstream } = start();
    await calls(upstream, 'FFFFF');
    await pass(1_000);
    const probe = upstream.begin(chosen(upstream));
    await calls(upstream, 'A');
    await calls(upstream, 'FFFFF');
    probe.end(ENDS.A);
    await pass(999);
    expect([upstream.breaker, callable(upstream)]).toEqual(['open', false]);
    await pass(1);
    expect(callable(upstream)).toBe(true);
  });

  it('is one for each credential and each model', async () => {
    const { upstream, availability } = start({ p: { keys: ['key-one', 'key-two'] } });
    const [one, two] = [chosen(upstream), chosen(upstream)];
    await calls(upstream, 'FFFFF', one);
    expect([upstream.breaker, callable(upstream)]).toEqual(['closed', true]);
    expect([chosen(upstream).id, chosen(upstream).id]).toEqual([two.id, two.id]);
    await pass(500);
    await calls(upstream, 'FFFFF', two);
    expect([upstream.breaker, callable(upstream)]).toEqual(['open', false]);
    expect([chosen(upstream).id, chosen(upstream).id]).toEqual([one.id, one.id]); // it may be probed first
    await pass(500);
    await calls(upstream, 'F', one);
    expect(chosen(upstream).id).toBe(two.id);
    expect(availability.of(deployment('p', 'other')).breaker).toBe('closed');
  });
});

describe('a pool of credentials', () => {
  it('goes round, whichever models are called', () => {
    const { upstream, availability } = start({ p: { keys: ['a', 'b', 'c'] } });
    const other = availability.of(deployment('p', 'other'));
    const ids = availability.pool('p')?.reports.map(({ id }) => id) ?? [];
    const turns = [upstream, other, other, upstream, other].map((each) => chosen(each).id);
    expect(turns).toEqual([ids[0], ids[1], ids[2], ids[0], ids[1]]);
    expect(chosen(upstream, new Set([ids[2] ?? '', ids[0] ?? ''])).id).toBe(ids[1]);
    expect(upstream.choose(new Set(ids))).toBeUndefined();
  });

  it('knows a key by its digest, shows its end only, and has one nobody where there is none', () => {
    const { availability } = start({
      p: { keys: ['sk-first-key-0001', 'short-key-1', 'short-key-1'] },
      none: { keys: [] },
    });
    const active = { status: 'active', until: undefined, models: null };
    expect(availability.pool('p')?.reports).toEqual([
      { id: 'cd623d62e309', shown: '…0001', ...active },
      { id: 'db0c5ca60a72', shown: '…', ...active },
    ]);
    expect(availability.pool('none')?.reports).toEqual([{ id: 'none', shown: 'none', ...active }]);
    expect(chosen(availability.of(deployment('none')))).toMatchObject({ id: 'none', secret: undefined });
    expect(availability.pool('other')).toBeUndefined();
  });

  it.each<[ends: string, where: 'everywhere' | 'here' | 'nowhere']>([
    ['1', 'everywhere'],
    ['2', 'here'],
    ['3', 'nowhere'],
    ['33', 'nowhere'],
    ['333', 'here'],
    ['33A33', 'nowhere'],
    ['33A333', 'here'],
    ['3F3U3', 'here'],
    ['21', 'everywhere'],
  ])('after %s has put the key aside %s, for five minutes', async (ends, where) => {
    const isShelved = where !== 'nowhere';
    const { upstream, availability } = start({ p: { keys: ['key-one', 'key-two'] } });
    const one = chosen(upstream);
    await calls(upstream, ends, one);
    const statuses = () => availability.pool('p')?.reports.map(({ status }) => status);
    expect(statuses()).toEqual([isShelved ? 'shelved' : 'active', 'active']);
    const until = isShelved ? Date.now() + 300_000 : undefined;
    const models = where === 'here' ? ['m'] : null;
    expect(availability.pool('p')?.reports[0]).toMatchObject({ models, ...(until && { until }) });
    const turnsAt = (model: string) =>
      Array.from({ length: 4 }, () => chosen(availability.of(deployment('p', model))).id);
    expect(turnsAt('m').includes(one.id)).toBe(!isShelved);
    expect(turnsAt('other').includes(one.id)).toBe(where !== 'everywhere');
    await pass(299_999);
    expect(statuses()?.[0]).toBe(isShelved ? 'shelved' : 'active');
    await pass(1);
    expect(statuses()?.[0]).toBe('active');
  });

  it('gives out its last one anyway, and takes it off the shelf if it works', async () => {
    const { upstream } = start({ p: { keys: ['key-one', 'key-two'] } });
    const [one, two] = [chosen(upstream), chosen(upstream)];
    const before = upstream.begin(one);
    await pass(1);
    await calls(upstream, '1', one);
    await pass(1_000);
    await calls(upstream, '1', two);
    expect([callable(upstream), resting(upstream), upstream.breaker]).toEqual([false, false, 'closed']);
    expect(chosen(upstream).id).toBe(one.id); // it was shelved first
    expect(chosen(upstream, new Set([one.id])).id).toBe(two.id);
    before.end(ENDS.A); // it began when the key was good still
    expect(callable(upstream)).toBe(false);
    await calls(upstream, 'A', one);
    expect([callable(upstream), ready(upstream).id]).toEqual([true, one.id]);
  });

  it('is as good as those that are not shelved, or as all where all are', async () => {
    const { upstream } = start({ p: { keys: ['key-one', 'key-two'] } });
    const [one, two] = [chosen(upstream), chosen(upstream)];
    await calls(upstream, '1', one);
    await calls(upstream, 'FFFFF', two);
    expect(upstream.breaker).toBe('open');
    await calls(upstream, '1', two); // beside the breaker, which it closes
    await calls(upstream, 'FFFFF', two);
    expect(upstream.breaker).toBe('closed');
    await calls(upstream, 'FFFFF', one);
    expect(upstream.breaker).toBe('open');
  });

  it('lets a credential rest at the upstream that asked for it, as long as it asked', async () => {
    const { upstream, availability } = start({ p: { keys: ['key-one', 'key-two'] } });
    const other = availability.of(deployment('p', 'other'));
    const [one, two] = [chosen(upstream), chosen(upstream)];
    upstream.begin(one).end({ kind: 'limited', waitMs: 3_000 });
    expect([resting(upstream), ready(upstream).id, ready(upstream).id]).toEqual([false, two.id, two.id]);
    upstream.begin(two).end({ kind: 'limited', waitMs: 3_600_000 });
    expect([callable(upstream), resting(upstream), upstream.breaker]).toEqual([false, true, 'closed']);
    expect([chosen(upstream).id, callable(other)]).toEqual([one.id, true]);
    await pass(2_999);
    expect([callable(upstream), resting(upstream)]).toEqual([false, true]);
    await pass(1);
    expect([resting(upstream), ready(upstream).id, ready(upstream).id]).toEqual([false, one.id, one.id]);
    await calls(upstream, '1', one);
    expect([callable(upstream), resting(upstream)]).toEqual([false, true]); // the one on the shelf comes later
    await pass(56_999);
    expect(callable(upstream)).toBe(false);
    await pass(1);
    expect([resting(upstream), ready(upstream).id]).toEqual([false, two.id]); // a minute is the longest
  });
});

describe('what calls tell', () => {
  it('is counted: in flight, by how they ended, and the share of failures of late', async () => {
    const { upstream } = start();
    expect(upstream.errorRate).toBeNull();
    const passages = [upstream.begin(chosen(upstream)), upstream.begin(chosen(upstream))];
    expect(upstream.inFlight).toBe(2);
    passages[0]?.end(ENDS.A);
    passages[0]?.end(ENDS.F);
    expect(upstream.inFlight).toBe(1);
    passages[1]?.end(ENDS.U);
    await calls(upstream, 'FL3U');
    expect([upstream.inFlight, upstream.counts]).toEqual([0, { completed: 1, failed: 3, abandoned: 2 }]);
    expect(upstream.errorRate).toBe(0.75);
    await calls(upstream, 'A'.repeat(99));
    expect(upstream.errorRate).toBe(0.01);
    await calls(upstream, 'A');
    expect(upstream.errorRate).toBe(0);
    await pass(300_000);
    expect([upstream.errorRate, upstream.counts.completed]).toEqual([null, 101]);
  });

  it('is kept for 2,000 upstreams, as clients choose their names', () => {
    const { availability, upstream } = start();
    for (let n = 1; n < 2_000; n++) availability.of(deployment('p', `m${n}`));
    expect(availability.of(deployment('p'))).toBe(upstream);
    const second = availability.of(deployment('p', 'm2'));
    availability.of(deployment('p', 'one/more'));
    expect([...availability.all]).toHaveLength(2_000);
    expect([...availability.all].map(({ name }) => name)).not.toContain('p/m1');
    expect(availability.of(deployment('p', 'm2'))).toBe(second);
    expect([...availability.all][1]).toMatchObject({ name: 'p/one/more', provider: 'p', model: 'one/more' });
  });
});

describe('a reload', () => {
  it('keeps what is known of keys that stay, and forgets those that go', async () => {
    const { upstream, availability, live } = start({ p: { keys: ['key-one', 'key-two'] } });
    const [one, two] = [chosen(upstream), chosen(upstream)];
    await calls(upstream, 'FFFFF', one);
    await calls(upstream, 'FFFFF', two);
    live.replace(configOf({ p: { keys: ['key-three', 'key-two'] } }));
    expect(availability.of(deployment('p'))).toBe(upstream);
    const ids = availability.pool('p')?.reports.map(({ id }) => id);
    expect([ids?.length, ids?.[1], ids?.includes(one.id)]).toEqual([2, two.id, false]);
    expect(ready(upstream).id).toBe(ids?.[0]);
    expect(ready(upstream).id).toBe(ids?.[0]);
    live.replace(configOf({ p: { keys: ['key-one'] } }));
    expect(ready(upstream).id).toBe(one.id); // as new
    await calls(upstream, '1', one);
    live.replace(configOf({ p: { keys: ['key-one', 'key-two'] } }));
    expect(availability.pool('p')?.reports.map(({ status }) => status)).toEqual(['shelved', 'active']);
  });

  it('drops a provider that goes; a request that came before it is served on', async () => {
    const { upstream, availability, live } = start();
    const running = upstream.begin(chosen(upstream));
    live.replace(configOf({ q: {} }));
    expect([availability.pool('p'), [...availability.all]]).toEqual([undefined, []]);
    running.end(ENDS.A);
    const late = availability.of(deployment('p', 'm', [new Secret('key-one')]));
    expect(chosen(late).secret?.reveal()).toBe('key-one');
    await calls(late, 'FFFFF');
    live.replace(configOf({ p: { keys: ['key-two'] } }));
    const again = availability.of(deployment('p'));
    expect([again.breaker, chosen(again).secret?.reveal()]).toEqual(['closed', 'key-two']);
  });

  it('changes how many calls are let in: to the provider, to each model, or any number', () => {
    const { upstream, availability, live } = start({ p: { concurrency: 1 } });
    const other = availability.of(deployment('p', 'other'));
    expect([upstream.gate === other.gate, upstream.gate.limit]).toEqual([true, 1]);
    const admitted: string[] = [];
    const visitor = (name: string) => ({
      until: Infinity,
      admitted: () => void admitted.push(name),
      refused: () => void admitted.push(`${name} refused`),
    });
    for (const name of ['first', 'second', 'third']) upstream.gate.enter(visitor(name));
    expect(admitted).toEqual(['first']);
    live.replace(configOf({ p: { concurrency: 2 } }));
    expect([admitted, upstream.gate === other.gate, other.gate.limit]).toEqual([['first', 'second'], true, 2]);
    live.replace(configOf({ p: { concurrency: 'auto' } }));
    expect(admitted).toEqual(['first', 'second', 'third']);
    expect([upstream.gate === other.gate, upstream.gate.concurrency, other.gate.concurrency]).toEqual([
      false,
      'auto',
      'auto',
    ]);
    live.replace(configOf({ p: {} }));
    expect([upstream.gate.limit, other.gate.limit]).toEqual([Infinity, Infinity]);
  });
});

describe('news of other replicas', () => {
  it('keep calls out of what failed elsewhere until it may be probed, and let them in when it works again', async () => {
    const channel = new Channel();
    const [here, there] = [start({ p: {} }, channel), start({ p: {} }, channel)];
    await calls(here.upstream, 'FFFFF');
    const { id } = chosen(here.upstream);
    expect(channel.said).toEqual([{ upstream: 'p/m', credential: id, openUntil: Date.now() + 1_000 }]);
    expect([there.upstream.breaker, callable(there.upstream)]).toEqual(['open', false]);
    await pass(1_000);
    const probe = there.upstream.begin(ready(there.upstream));
    expect(callable(there.upstream)).toBe(false);
    probe.end(ENDS.F);
    await pass(0);
    expect([here.upstream.breaker, channel.said[1]?.openUntil]).toEqual(['open', Date.now() + 2_000]);
    await pass(2_000);
    await calls(here.upstream, 'A');
    expect([there.upstream.breaker, callable(there.upstream)]).toEqual(['closed', true]);
    expect(channel.said.map(({ openUntil }) => openUntil === null)).toEqual([false, false, true]);
  });

  it('come from a call beside the breaker too, and do not come back', async () => {
    const channel = new Channel();
    const [here, there] = [start({ p: {} }, channel), start({ p: {} }, channel)];
    await calls(here.upstream, 'FFFFF');
    await calls(there.upstream, 'A');
    expect([here.upstream.breaker, channel.said.length, channel.said[1]?.openUntil]).toEqual(['closed', 2, null]);
  });

  it('that are older than what is known change nothing', async () => {
    const { upstream, channel } = start();
    const news = { upstream: 'p/m', credential: chosen(upstream).id };
    channel.say({ ...news, openUntil: Date.now() + 9_000 });
    channel.say({ ...news, openUntil: Date.now() + 1_000 });
    await pass(8_999);
    expect(upstream.breaker).toBe('open');
  });

  const id = 'cd623d62e309';
  it.each<[what: string, item: (now: number) => BreakerNewsItem, openForMs: number]>([
    ['a time that is over', (now) => ({ upstream: 'p/m', credential: id, openUntil: now }), 0],
    ['a time far away', (now) => ({ upstream: 'p/m', credential: id, openUntil: now + 86_400_000 }), 120_000],
    ['no time at all', () => ({ upstream: 'p/m', credential: id, openUntil: NaN }), 0],
    ['a provider that is not here', (now) => ({ upstream: 'x/m', credential: id, openUntil: now + 9_000 }), 0],
    ['a credential that is not here', (now) => ({ upstream: 'p/x', credential: 'x', openUntil: now + 9_000 }), 0],
    ['a model not called yet', (now) => ({ upstream: 'p/new', credential: id, openUntil: now + 9_000 }), 9_000],
    ['the good of what is not known', () => ({ upstream: 'p/new', credential: id, openUntil: null }), 0],
  ])('of %s are taken for what they are worth', async (_what, item, openForMs) => {
    const { availability, channel } = start();
    channel.say(item(Date.now()));
    expect([...availability.all]).toHaveLength(openForMs === 9_000 ? 2 : 1);
    const upstream = availability.of(deployment('p', openForMs === 9_000 ? 'new' : 'm'));
    if (openForMs > 0) await pass(openForMs - 1);
    expect(upstream.breaker).toBe(openForMs > 0 ? 'open' : 'closed');
    await pass(1);
    expect(callable(upstream)).toBe(true);
  });
});
