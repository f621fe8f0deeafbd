import { jest } from '@jest/globals';
import { Subject, type Observable } from 'rxjs';
import type { ChatRequest } from '../domain/chat.js';
import type { ChatFrame } from '../domain/chat-frame.js';
import type { UpstreamAttempt } from '../domain/deployment.js';
import { OverloadedError, UpstreamError, UpstreamTimeoutError } from '../domain/errors.js';
import type { Principal } from '../domain/principal.js';
import { RequestContext, type ClientWishes, type RunEnd } from '../domain/request-context.js';
import type { ChatAnswer } from '../domain/chat-answer.js';
import { KEPT_MS, RecentRuns } from './recent-runs.js';
import { Repeats } from './repeats.js';
import { Run } from './run.js';

const MB = 1024 * 1024;
const LONGEST = 4 * MB;
const ASKED: ChatRequest = { model: 'm', stream: true, messages: [{ role: 'user', content: 'hi' }] };
const frame = (text: string): ChatAnswer => ({ bytes: Buffer.from(text), usage: undefined, said: 0 });
const sized = (bytes: number): ChatAnswer => ({ bytes: Buffer.alloc(bytes), usage: undefined, said: 0 });

let count = 0;
const TENANT: Principal = { keyId: 'key_1', name: 'ci', models: null };
function contextOf(wishes: Partial<ClientWishes>, tenant: Principal = TENANT): RequestContext {
  const context = new RequestContext(`req_${(count += 1)}`, performance.now(), Date.now(), {
    strict: false,
    tags: [],
    ...wishes,
  });
  context.principal = tenant;
  return context;
}

/** One request, and what its client has got so far: texts, sizes of long ones, and how it ended. */
class Client {
  readonly context: RequestContext;
  readonly got: (string | number)[] = [];
  /** What the provider does; undefined where it was not asked. */
  provider: Subject<ChatAnswer> | undefined;
  readonly leave: () => void;

  constructor(repeats: Repeats, wishes: Partial<ClientWishes>, request: ChatRequest = ASKED, tenant?: Principal) {
    this.context = contextOf(wishes, tenant);
    const work = (): Observable<ChatAnswer> => {
      this.context.attempts.push({} as UpstreamAttempt);
      return (this.provider = new Subject());
    };
    const subscription = repeats.through(request, this.context, work).subscribe({
      next: (answer) => {
        const { bytes } = answer as ChatFrame;
        this.got.push(bytes.length > 9 ? bytes.length : Buffer.from(bytes).toString());
      },
      complete: () => this.got.push('end'),
      error: (error: Error) => this.got.push(`! ${error.message}`),
    });
    this.leave = () => subscription.unsubscribe();
  }

  /** The provider's side: whether its answer is still wanted. */
  get isWanted(): boolean {
    return this.provider?.observed === true;
  }
}

describe('Repeats', () => {
  let repeats: Repeats;
  const first = (request?: ChatRequest) => new Client(repeats, { retryCount: 0 }, request);
  const again = (request?: ChatRequest) => new Client(repeats, { retryCount: 1 }, request);
  const keyed = (idempotencyKey = 'k') => new Client(repeats, { idempotencyKey });

  beforeEach(() => {
    jest.useFakeTimers();
    repeats = new Repeats();
  });
  afterEach(() => {
    jest.advanceTimersByTime(2 * KEPT_MS);
    expect(repeats.held).toEqual({ runs: 0, bytes: 0 });
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  it('gives one that joins what has come and what comes, and one that is late all of it', () => {
    const one = first();
    one.provider?.next(frame('a'));
    const two = again();
    one.provider?.next(frame('b'));
    one.provider?.complete();
    const three = again();
    for (const { got } of [one, two, three]) expect(got).toEqual(['a', 'b', 'end']);
    expect([two.provider, three.provider]).toEqual([undefined, undefined]);
    expect([one, two, three].map(({ context }) => context.replayOf?.id)).toEqual([
      undefined,
      one.context.id,
      one.context.id,
    ]);
  });

  it.each([
    [KEPT_MS - 1, false],
    [KEPT_MS, true],
  ])('%d ms after the end: asked anew %s', (wait, anew) => {
    const one = first();
    jest.advanceTimersByTime(60_000); // however long it takes
    first({ ...ASKED, user: 'earlier' }).provider?.complete();
    jest.advanceTimersByTime(500); // so that no sweep falls on the end of its time
    one.provider?.next(frame('a'));
    one.provider?.complete();
    jest.advanceTimersByTime(wait);
    const two = again();
    expect(two.isWanted).toBe(anew);
    two.provider?.complete();
  });

  it('forgets what is over although nobody asks, and waits for none that goes on', () => {
    const slow = first({ ...ASKED, user: 'slow' });
    const one = first();
    one.provider?.next(frame('abc'));
    one.provider?.complete();
    expect(repeats.held).toEqual({ runs: 2, bytes: 3 });
    jest.advanceTimersByTime(KEPT_MS + 1_000);
    expect(repeats.held).toEqual({ runs: 1, bytes: 0 });
    slow.provider?.complete();
  });

  it.each<[string, (one: Client) => void]>([
    ['has no provider asked yet', () => undefined],
    ['is in the middle', (one) => one.provider?.next(frame('a'))],
  ])('ends a run that %s with the last who listens, and forgets it', (_, begin) => {
    const one = first();
    begin(one);
    const two = again();
    one.leave();
    expect(one.isWanted).toBe(true);
    one.provider?.next(frame('z'));
    expect(two.got.at(-1)).toBe('z');
    two.leave();
    expect(one.isWanted).toBe(false);
    expect(repeats.held.runs).toBe(0);
  });

  it('tells the one that left how its run ended', () => {
    const ends: RunEnd[] = [];
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
    const leave = (client: Client) => {
      client.leave();
      client.context.outlived?.((end) => ends.push(end));
    };
    const completed = keyed('a');
    leave(completed);
    completed.provider?.next({ bytes: Buffer.from('a'), usage, said: 1 });
    completed.provider?.complete();
    const failed = keyed('b');
    leave(failed);
    failed.provider?.error(new UpstreamError('broken'));
    const cancelled = first();
    const joined = again();
    leave(cancelled);
    cancelled.provider?.next({ bytes: Buffer.from('a'), usage, said: 1 });
    joined.leave();
    expect(ends).toEqual([
      { outcome: 'completed', error: undefined },
      { outcome: 'failed', error: expect.any(UpstreamError) as unknown },
      { outcome: 'abandoned', error: expect.any(UpstreamTimeoutError) as unknown },
    ]);
    expect(joined.context.outlived).toBeUndefined();
    const both = [first(), again()];
    for (const client of both.toReversed()) client.leave(); // the starter last: nothing outlives it
    expect(both[0]?.context.outlived).toBeUndefined();
  });

  it('asks for a repetition that comes too late for its run, and lets others repeat that', () => {
    const [one, two] = [again(), again()];
    expect(one.isWanted).toBe(true);
    expect(two.provider).toBeUndefined();
    one.provider?.complete();
  });

  it.each<[string, Partial<Principal>, string]>([
    ['may no longer use the model', { models: ['other'] }, 'k'],
    ['has a name that ends in part of the key', { keyId: 'key_1 key a' }, 'b'],
  ])('answers nobody with the answer of another: who %s', (_, tenant, idempotencyKey) => {
    const one = keyed(idempotencyKey === 'b' ? 'a key b' : 'k');
    one.provider?.complete();
    const two = new Client(repeats, { idempotencyKey }, ASKED, { ...TENANT, ...tenant });
    expect(two.isWanted).toBe(true);
    two.provider?.complete();
  });

  it('holds one that joins to its own deadline, and the run to that of the first', () => {
    const one = keyed();
    jest.advanceTimersByTime(5_000);
    const two = new Client(repeats, { idempotencyKey: 'k', timeoutMs: 1_000 });
    one.provider?.next(frame('a'));
    jest.advanceTimersByTime(999);
    expect(two.got).toEqual(['a']);
    jest.advanceTimersByTime(1);
    expect(two.got).toEqual(['a', expect.stringMatching(/^! .*total: 1000 ms/)]);
    one.provider?.complete();
    expect(one.got).toEqual(['a', 'end']);
  });

  it('takes two equal requests for two, and the later one for the one to repeat', () => {
    const one = first();
    one.provider?.next(frame('one'));
    const two = first();
    two.provider?.next(frame('two'));
    expect(again().got).toEqual(['two']);
    expect(repeats.held).toEqual({ runs: 1, bytes: 3 });
    for (const { provider } of [one, two]) provider?.complete();
    expect(one.got).toEqual(['one', 'end']);
  });

  describe('after a failure', () => {
    const fail = (client: Client, attemptsLeft: number | undefined, error: Error = new UpstreamError('broken')) => {
      client.context.attemptsLeft = attemptsLeft;
      client.provider?.error(error);
    };

    it.each([undefined, 0])('replays it where attempts left are %s', (left) => {
      fail(first(), left);
      const two = again();
      expect(two).toMatchObject({ got: ['! broken'], provider: undefined });
    });

    it('makes only the attempts that are left, and replays in the end', () => {
      fail(first(), 2);
      const two = again();
      expect(two.context.attemptsAllowed).toBe(2);
      expect(two.context.replayOf).toBeUndefined();
      fail(two, 0, new UpstreamError('broken again'));
      expect(again()).toMatchObject({ got: ['! broken again'], provider: undefined });
    });

    it('waits as long as the failure says', () => {
      fail(first(), 1, new UpstreamError('busy', { retryAfterMs: 2_000 }));
      jest.advanceTimersByTime(1_999);
      expect(again().got).toEqual(['! busy']);
      jest.advanceTimersByTime(1);
      const three = again();
      expect(three.context.attemptsAllowed).toBe(1);
      three.provider?.complete();
    });

    it('forgets one that reached no provider, but not what was allowed', () => {
      const refuse = (client: Client) => {
        client.context.attempts.pop();
        client.provider?.error(new OverloadedError('full', 500));
      };
      refuse(first());
      expect(repeats.held.runs).toBe(0);
      const one = again();
      expect(one.context.attemptsAllowed).toBeUndefined();
      fail(one, 1);
      refuse(again());
      expect(again().got).toEqual(['! full']);
      jest.advanceTimersByTime(500);
      const last = again();
      expect(last.context.attemptsAllowed).toBe(1);
      last.provider?.complete();
    });

    it('counts what is thrown at once as one too', () => {
      const context = contextOf({ retryCount: 0 });
      const thrown: unknown[] = [];
      const work = () => {
        throw new UpstreamError('no such model');
      };
      repeats.through(ASKED, context, work).subscribe({ error: (error: unknown) => thrown.push(error) });
      expect(thrown).toEqual([expect.any(UpstreamError)]);
      expect(repeats.held.runs).toBe(0);
    });
  });

  describe('what it holds', () => {
    it('is no answer beyond four megabytes: those who joined go on, later ones ask anew', () => {
      const one = first();
      const two = again();
      one.provider?.next(sized(LONGEST));
      expect(repeats.held).toEqual({ runs: 1, bytes: LONGEST });
      one.provider?.next(sized(10));
      expect(repeats.held).toEqual({ runs: 0, bytes: 0 });
      const three = again();
      expect(three.isWanted).toBe(true);
      one.provider?.complete();
      three.provider?.complete();
      expect([one.got, two.got, three.got]).toEqual([[LONGEST, 10, 'end'], [LONGEST, 10, 'end'], ['end']]);
    });

    it('is no run that nobody could come back for', () => {
      const one = keyed();
      one.leave();
      expect(one.isWanted).toBe(true);
      one.provider?.next(sized(LONGEST + 1));
      expect(one.isWanted).toBe(false);
    });

    it('is at most 64 MB, of which the oldest go', () => {
      const clients = Array.from({ length: 66 }, (_, at) => first({ ...ASKED, seed: at }));
      for (const { provider } of clients) {
        provider?.next(sized(MB));
        provider?.complete();
      }
      expect(repeats.held).toEqual({ runs: 64, bytes: 64 * MB });
      expect(again({ ...ASKED, seed: 2 }).got).toEqual([MB, 'end']);
      const oldest = again({ ...ASKED, seed: 1 });
      expect(oldest.isWanted).toBe(true);
      oldest.provider?.complete();
    });

    it('is at most 10,000 runs', () => {
      const recent = new RecentRuns();
      const runs = Array.from({ length: 10_001 }, (_, at) => {
        const run = new Run({ key: `${at}`, asked: '', outlivesClient: true }, contextOf({}), recent);
        recent.add(run);
        return run;
      });
      expect(recent.held.runs).toBe(10_000);
      expect([recent.find('0'), recent.find('1')]).toEqual([undefined, runs[1]]);
      expect(runs[0]?.endedAt).toBeDefined(); // nobody could come back for it
    });
  });

  describe('the pace', () => {
    /** Whether the provider is held up. */
    const heldUp = ({ context }: Client) => context.flow.paused;

    it('is that of the first client as long as that is there', () => {
      const one = keyed();
      again().leave();
      one.context.flow.pause();
      expect(heldUp(one)).toBe(true);
      one.leave();
      expect(heldUp(one)).toBe(false);
      one.provider?.complete();
    });

    it('is that of the slowest once the answer is too long to be kept', () => {
      const one = first();
      const two = again();
      two.context.flow.pause();
      one.provider?.next(sized(LONGEST));
      expect(heldUp(one)).toBe(false);
      one.provider?.next(sized(1));
      expect(heldUp(one)).toBe(true);
      two.context.flow.resume();
      expect(heldUp(one)).toBe(false);
      two.context.flow.pause();
      one.provider?.next(sized(1));
      expect(heldUp(one)).toBe(true);
      two.leave();
      expect(heldUp(one)).toBe(false);
      one.provider?.complete();
    });
  });
});
