import { jest } from '@jest/globals';
import type { OverloadedError } from '../../domain/errors.js';
import { Gate, type Concurrency, type Place, type Visitor } from './gate.js';

/** What became of those who entered, in the order in which they learned it. */
class Log {
  readonly told: string[] = [];
  readonly places = new Map<string, Place>();
  readonly errors: OverloadedError[] = [];

  visitor(name: string, until = Infinity): Visitor {
    return {
      until,
      admitted: (place) => {
        this.told.push(`${name} in`);
        this.places.set(name, place);
      },
      refused: (error) => {
        this.told.push(`${name} refused`);
        this.errors.push(error);
      },
    };
  }

  leave(name: string): void {
    this.places.get(name)?.leave();
  }
}

/** A gate with so many in it, named `in 1` and so on, and each place so far held for so long on average. */
function fullGate(limit: number, heldMs = 1_000): { gate: Gate; log: Log } {
  const [gate, log] = [new Gate(limit), new Log()];
  gate.enter(log.visitor('first'));
  jest.advanceTimersByTime(heldMs);
  log.leave('first');
  for (let n = 1; n <= limit; n++) gate.enter(log.visitor(`in ${n}`));
  log.told.length = 0;
  return { gate, log };
}

const state = ({ limit, inFlight, queued, isFull }: Gate): unknown => ({ limit, inFlight, queued, isFull });
const soon = (ms: number): number => performance.now() + ms;

describe('Gate', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => {
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  it.each<[Concurrency, number]>([
    [undefined, Infinity],
    [3, 3],
    ['auto', 20],
  ])('of concurrency %p lets in up to %p at once, and counts', (concurrency, limit) => {
    const [gate, log] = [new Gate(concurrency), new Log()];
    for (let n = 0; n < Math.min(limit, 2_000); n++) gate.enter(log.visitor(`${n}`))();
    expect(state(gate)).toEqual({ limit, inFlight: log.told.length, queued: 0, isFull: limit !== Infinity });
    for (const place of log.places.values()) {
      place.leave();
      place.leave({ kind: 'whole', ms: 1, overloaded: false });
    }
    expect(state(gate)).toEqual({ limit, inFlight: 0, queued: 0, isFull: false });
  });

  it('lets in who waits in the order they came, without those who stepped out', () => {
    const { gate, log } = fullGate(2);
    const stepOut = ['a', 'b', 'c', 'd', 'e'].map((name) => gate.enter(log.visitor(name)));
    stepOut[1]?.();
    stepOut[1]?.();
    expect(state(gate)).toEqual({ limit: 2, inFlight: 2, queued: 4, isFull: true });
    log.leave('in 1');
    log.leave('in 1');
    expect(log.told).toEqual(['a in']);
    stepOut[0]?.();
    log.leave('a');
    log.leave('in 2');
    expect(log.told).toEqual(['a in', 'c in', 'd in']);
    expect(state(gate)).toEqual({ limit: 2, inFlight: 2, queued: 1, isFull: true });
    stepOut[4]?.();
    expect(state(gate)).toMatchObject({ queued: 0, isFull: true });
    log.leave('c');
    expect(state(gate)).toMatchObject({ inFlight: 1, isFull: false });
  });

  it.each<
    [
      which: string,
      gate: readonly [limit: number, heldMs: number, waiting: number],
      waitsMs: number,
      retryAfterMs: number,
    ]
  >([
    ['has no time left', [4, 0, 0], 0, 100],
    ['has less time than its turn takes to come', [4, 1_000, 2], 740, 750],
    ['would be let in after 10 s, however long it could wait', [1, 2_000, 5], Infinity, 12_000],
    ['finds a queue of twice the limit', [100, 1_000, 200], Infinity, 2_010],
    ['finds a queue of ten, which is the shortest', [3, 1_000, 10], Infinity, 3_667],
    ['would have its turn next, but a moment too late', [20, 1_000, 0], 49, 100],
    ['finds calls that take a millisecond', [1, 1, 0], 0, 100],
    ['finds calls that take ten minutes', [1, 600_000, 0], Infinity, 60_000],
  ])('refuses at once who %s', (_which, [limit, heldMs, waiting], waitsMs, retryAfterMs) => {
    const { gate, log } = fullGate(limit, heldMs);
    const stepOut = Array.from({ length: waiting }, (_, n) => gate.enter(log.visitor(`${n}`)));
    expect(gate.queued).toBe(waiting);
    gate.enter(log.visitor('late', soon(waitsMs)))();
    expect(log.told).toEqual(['late refused']);
    expect(log.errors[0]).toMatchObject({ status: 503, code: 'server_is_overloaded', retryAfterMs });
    stepOut.forEach((step) => step());
  });

  it('refuses who waited as long as it could, and nobody else', () => {
    const [gate, log] = [new Gate(1), new Log()];
    gate.enter(log.visitor('in'));
    gate.enter(log.visitor('patient'));
    gate.enter(log.visitor('hasty', soon(20.5)));
    gate.enter(log.visitor('hastier', soon(10)));
    gate.enter(log.visitor('moderate', soon(5_000)));
    const stepOut = gate.enter(log.visitor('gone', soon(30)));
    expect(jest.getTimerCount()).toBe(1);
    stepOut();
    jest.advanceTimersByTime(10);
    expect(log.told).toEqual(['in in', 'hastier refused']);
    jest.advanceTimersByTime(11);
    expect(log.told).toEqual(['in in', 'hastier refused', 'hasty refused']);
    jest.advanceTimersByTime(9_978);
    expect(log.told.slice(3)).toEqual(['moderate refused']);
    jest.advanceTimersByTime(1);
    expect(log.told.slice(4)).toEqual(['patient refused']);
    log.leave('in');
    expect(state(gate)).toEqual({ limit: 1, inFlight: 0, queued: 0, isFull: false });
  });

  it('does not let in whose time is up, though nobody had the time to say so', () => {
    const { gate, log } = fullGate(1);
    gate.enter(log.visitor('late', soon(2_000)));
    gate.enter(log.visitor('next'));
    const now = jest.spyOn(performance, 'now').mockReturnValue(soon(3_000));
    log.leave('in 1');
    now.mockRestore();
    expect(log.told).toEqual(['late refused', 'next in']);
  });

  it.each<[from: Concurrency, to: Concurrency, after: object]>([
    [1, 3, { limit: 3, inFlight: 3, queued: 3, isFull: true }],
    [1, undefined, { limit: Infinity, inFlight: 6, queued: 0, isFull: false }],
    [1, 'auto', { limit: 20, inFlight: 6, queued: 0, isFull: false }],
    [5, 2, { limit: 2, inFlight: 5, queued: 1, isFull: true }],
    ['auto', 6, { limit: 6, inFlight: 6, queued: 0, isFull: true }],
  ])('takes a change of its concurrency at once: %p to %p', (from, to, after) => {
    const [gate, log] = [new Gate(from), new Log()];
    const stepOut = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => gate.enter(log.visitor(name)));
    gate.concurrency = to;
    expect(state(gate)).toEqual(after);
    expect(gate.concurrency).toBe(to);
    stepOut.forEach((step) => step());
  });

  it('lets nobody in after its limit was lowered before so many have left', () => {
    const { gate, log } = fullGate(3);
    const stepOut = gate.enter(log.visitor('waiting'));
    gate.concurrency = 1;
    gate.enter(log.visitor('hasty', soon(3_999)));
    log.leave('in 1');
    log.leave('in 2');
    expect(log.told).toEqual(['hasty refused']);
    log.leave('in 3');
    expect(log.told).toEqual(['hasty refused', 'waiting in']);
    stepOut();
  });

  it('adapts to what is experienced, and keeps what it learned when it is told to adapt again', () => {
    const [gate, log] = [new Gate('auto'), new Log()];
    gate.enter(log.visitor('a'));
    log.places.get('a')?.leave({ kind: 'stream', ms: 30, overloaded: true });
    gate.concurrency = 'auto';
    expect(gate.limit).toBe(18);
  });

  it('grows no stack and keeps the order where those who are let in leave at once or bring others', () => {
    const { gate, log } = fullGate(10_000);
    for (let n = 0; n < 20_000; n++) {
      gate.enter({
        until: Infinity,
        admitted: (place) => {
          log.told.push(`${n}`);
          place.leave();
          if (n === 0) gate.enter(log.visitor('brought'));
        },
        refused: () => log.told.push('refused'),
      });
    }
    expect([gate.queued, log.told]).toEqual([20_000, []]);
    log.leave('in 1');
    expect(log.told).toEqual([...Array.from({ length: 20_000 }, (_, n) => `${n}`), 'brought in']);
    expect(gate.inFlight).toBe(10_000);
  });

  it('lets those who are refused late step others out, and enter again', () => {
    const [gate, log] = [new Gate(1), new Log()];
    gate.enter(log.visitor('in'));
    const again = (): unknown => gate.enter(log.visitor('again', soon(5)));
    gate.enter({
      ...log.visitor('a', soon(10)),
      refused: () => {
        log.told.push('a refused');
        stepOut();
        again();
      },
    });
    const stepOut = gate.enter(log.visitor('b', soon(10)));
    jest.advanceTimersByTime(10);
    expect(log.told).toEqual(['in in', 'a refused']);
    jest.advanceTimersByTime(5);
    expect(log.told).toEqual(['in in', 'a refused', 'again refused']);
  });

  it('never has more than its limit in it, and tells everyone once, however a thousand come and go', () => {
    const [gate, told] = [new Gate(7), new Map<number, string[]>()];
    let [state, inside, most] = [1, 0, 0];
    const random = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const tell = (n: number, what: string): unknown => told.get(n)?.push(what);
    for (let n = 0; n < 1_000; n++) {
      told.set(n, []);
      const stepOut = gate.enter({
        until: soon(random(60)),
        admitted: (place) => {
          most = Math.max(most, ++inside);
          tell(n, 'in');
          setTimeout(() => {
            inside--;
            place.leave();
          }, random(40));
        },
        refused: () => tell(n, 'refused'),
      });
      if (random(4) === 0) {
        setTimeout(() => {
          if (told.get(n)?.length === 0) tell(n, 'stepped out');
          stepOut();
        }, random(20));
      }
      jest.advanceTimersByTime(random(6));
    }
    jest.advanceTimersByTime(100);
    const ends = [...told.values()];
    const count = (what: string): number => ends.filter(([end]) => end === what).length;
    expect(ends.filter(({ length }) => length !== 1)).toEqual([]);
    expect([most, inside, gate.inFlight, gate.queued]).toEqual([7, 0, 0, 0]);
    expect(Math.min(count('in'), count('refused'), count('stepped out'))).toBeGreaterThan(10);
  });
});
