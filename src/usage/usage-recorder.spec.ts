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

  it('resolves when the record is durable, not before', async () => {
    let written = false;
    store.before = async () => {
      await after(20);
      written = true;
    };
    await recorder.record(record('a'));
    expect(written).toBe(true);
    expect(store.ids).toEqual(['a']);
  });

  it('writes 10,000 records in order, in few batches, the next one gathering while one is written', async () => {
    store.before = () => after(1);
    await Promise.all(ids(10_000).map((id) => recorder.record(record(id))));
    expect(store.ids).toEqual(ids(10_000));
    expect(Math.max(...store.batches.map(({ length }) => length))).toBeLessThanOrEqual(200);
    expect(store.batches.length).toBeLessThanOrEqual(51);
  });

  it('goes on trying when the store is down, says so once, and loses and reorders nothing', async () => {
    let down = true;
    store.before = () => {
      if (down) throw new Error('connection refused');
    };
    const durable = Promise.all(ids(1_200).map((id) => recorder.record(record(id))));
    await after(400);
    expect(recorder.stalled).toBe(true);
    const late = recorder.record(record('late'));
    down = false;
    await Promise.all([durable, late]);
    expect(store.ids).toEqual([...ids(1_200), 'late']);
    expect(recorder.stalled).toBe(false);
    expect(errors).toHaveBeenCalledTimes(1);
    expect(errors.mock.calls[0]?.[0]).toContain('connection refused');
  });

  it('gives up a record the store refuses, in full in the log, and no other', async () => {
    store.before = (batch) => {
      if (batch.includes('r3')) throw new Error('value out of range');
    };
    await Promise.all(ids(20).map((id) => recorder.record(record(id))));
    expect(store.ids.sort()).toEqual(
      ids(20)
        .filter((id) => id !== 'r3')
        .sort(),
    );
    expect(errors.mock.calls.flat().filter((said) => String(said).includes('{"requestId":"r3"}'))).toHaveLength(1);
  });

  it('knows a store that hangs', async () => {
    let release = (): void => undefined;
    store.before = () => new Promise<void>((resolve) => (release = resolve));
    const durable = recorder.record(record('a'));
    await after(100);
    expect(recorder.stalled).toBe(false);
    await after(550);
    expect(recorder.stalled).toBe(true);
    release();
    await durable;
    await after(0);
    expect(recorder.stalled).toBe(false);
  });

  it('keeps a bounded number of records and counts what is lost', async () => {
    store.before = () => {
      throw new Error('down');
    };
    const waiting = ids(100_000).map((id) => recorder.record(record(id)));
    await recorder.record(record('one too many'));
    await recorder.record(record('two too many'));
    store.before = () => undefined;
    await Promise.all(waiting);
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
    for (const id of ids(700)) void recorder.record(record(id));
    await recorder.onApplicationShutdown();
    expect(store.ids).toEqual(ids(700));
  });

  it('does not wait for ever at shutdown', async () => {
    store.before = () => new Promise(() => undefined);
    void recorder.record(record('a'));
    expect(await recorder.flush(50)).toBe(false);
    recorder = new UsageRecorder(store);
  });
});
