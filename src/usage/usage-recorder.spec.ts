import { Logger } from '@nestjs/common';
import { jest } from '@jest/globals';
import type { UsageRecord } from '../domain/usage.js';
import { UsageRecorder } from './usage-recorder.js';
import { UsageStore } from './usage.store.js';

/** Keeps batches in memory; `append` fails, hangs or takes its time as told. */
class MemoryStore extends UsageStore {
  readonly batches: string[][] = [];
  before: (ids: readonly string[]) => Promise<void> | void = () => undefined;

  async append(records: readonly UsageRecord[]): Promise<void> {
    const ids = records.map(({ requestId }) => requestId);
    await this.before(ids);
    this.batches.push(ids);
  }
  get ids(): string[] {
    return this.batches.flat();
  }
  list = () => Promise.reject(new Error('not read here'));
  sum = () => Promise.reject(new Error('not read here'));
  byDayAndModel = () => Promise.reject(new Error('not read here'));
}

const record = (requestId: string) => ({ requestId }) as UsageRecord;
const ids = (count: number) => Array.from({ length: count }, (_, at) => `r${at}`);
const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

describe('UsageRecorder', () => {
  let store: MemoryStore;
  let recorder: UsageRecorder;
  let errors: jest.SpiedFunction<Logger['error']>;
  const recorded = (id: string) => new Promise<void>((settled) => recorder.record(record(id), settled));
  /** When that many are written: nobody is made to wait for a store that is down. */
  const written = async (count: number) => {
    while (store.ids.length < count) await after(5);
  };

  beforeEach(() => {
    store = new MemoryStore();
    recorder = new UsageRecorder(store);
    errors = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    jest.spyOn(Logger.prototype, 'log').mockImplementation(() => undefined);
  });
  afterEach(async () => {
    store.before = () => undefined;
    await recorder.onApplicationShutdown();
    jest.restoreAllMocks();
  });

  it('settles when the record is durable, not before', async () => {
    store.before = () => after(20);
    const began = performance.now();
    await recorded('a');
    expect(performance.now() - began).toBeGreaterThan(18);
    expect(store.ids).toEqual(['a']);
  });

  it('writes 10,000 records in order, in few batches, the next one gathering while one is written', async () => {
    store.before = () => after(1);
    for (const id of ids(10_000)) void recorded(id);
    await written(10_000);
    expect(store.ids).toEqual(ids(10_000));
    expect(Math.max(...store.batches.map(({ length }) => length))).toBeLessThanOrEqual(200);
    expect(store.batches.length).toBeLessThanOrEqual(51);
  });

  it('goes on trying when the store is down, says so once, and loses and reorders nothing', async () => {
    let down = true;
    store.before = () => {
      if (down) throw new Error('connection refused');
    };
    for (const id of ids(1_200)) void recorded(id);
    await after(400);
    expect(recorder.stalled).toBe(true);
    void recorded('late');
    down = false;
    await written(1_201);
    expect(store.ids).toEqual([...ids(1_200), 'late']);
    expect(recorder.stalled).toBe(false);
    expect(errors).toHaveBeenCalledTimes(1);
    expect(errors.mock.calls[0]?.[0]).toContain('connection refused');
  });

  it('gives up a record the store refuses, in full in the log, and no other', async () => {
    store.before = (batch) => {
      if (batch.includes('r3')) throw new Error('value out of range');
    };
    for (const id of ids(20)) void recorded(id);
    await written(19);
    expect(await recorder.flush(4_000)).toBe(true);
    expect(store.ids.sort()).toEqual(
      ids(20)
        .filter((id) => id !== 'r3')
        .sort(),
    );
    expect(errors.mock.calls.flat().filter((said) => String(said).includes('{"requestId":"r3"}'))).toHaveLength(1);
  });

  it('lets nobody wait long for a store that hangs, and at all once it is known to', async () => {
    let release = (): void => undefined;
    store.before = () => new Promise<void>((resolve) => (release = resolve));
    const waits = async (id: string) => {
      const began = performance.now();
      await recorded(id);
      return performance.now() - began;
    };
    const first = waits('a');
    await after(100);
    expect(recorder.stalled).toBe(false);
    const [wait, laterWait] = await Promise.all([first, waits('b')]);
    for (const one of [wait, laterWait]) {
      expect(one).toBeGreaterThan(240);
      expect(one).toBeLessThan(400);
    }
    await after(300);
    expect(recorder.stalled).toBe(true);
    expect(await waits('c')).toBeLessThan(40);
    store.before = () => undefined;
    release();
    await written(3);
    expect(store.ids).toEqual(['a', 'b', 'c']);
    expect(recorder.stalled).toBe(false);
  });

  it('gathers what comes at once, and does not keep a lone record waiting for company', async () => {
    const began = performance.now();
    for (const id of ids(20)) await recorded(id);
    expect(store.batches).toHaveLength(20);
    // A timer takes a millisecond at least, and on a busy machine two.
    expect((performance.now() - began) / 20).toBeLessThan(3);
    await Promise.all(ids(20).map(recorded));
    expect(store.batches).toHaveLength(21);
  });

  it('keeps a bounded number of records and counts what is lost', async () => {
    store.before = () => {
      throw new Error('down');
    };
    for (const id of ids(100_000)) recorder.record(record(id), () => undefined);
    await recorded('one too many');
    await recorded('two too many');
    store.before = () => undefined;
    await written(100_000);
    expect(store.ids).toEqual(ids(100_000));
    expect(errors.mock.calls.map(([said]) => String(said)).filter((said) => said.includes('lost'))).toEqual([
      expect.stringContaining('more are lost'),
      expect.stringContaining('2 usage records were lost'),
    ]);
  });

  it('writes what is left at shutdown, through a short outage too', async () => {
    let failures = 2;
    store.before = () => {
      if (failures-- > 0) throw new Error('restarting');
    };
    for (const id of ids(700)) void recorded(id);
    await recorder.onApplicationShutdown();
    expect(store.ids).toEqual(ids(700));
  });

  it('does not wait for ever at shutdown', async () => {
    store.before = () => new Promise(() => undefined);
    void recorded('a');
    expect(await recorder.flush(50)).toBe(false);
    recorder = new UsageRecorder(store);
  });
});
