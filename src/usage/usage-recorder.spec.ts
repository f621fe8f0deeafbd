import { Logger } from '@nestjs/common';
import { jest } from '@jest/globals';
import type { UsageRecord } from '../domain/usage.js';
import { UsageRecorder } from './usage-recorder.js';
import { UsageLog } from './usage-log.js';

/** Keeps batches in memory; `append` fails, hangs or takes its time as told. */
class MemoryLog extends UsageLog {
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
  backlog = () => ({ records: 0, oldestMs: 0, refused: 0, failures: 0 });
}

const record = (requestId: string) => ({ requestId }) as UsageRecord;
const ids = (count: number) => Array.from({ length: count }, (_, at) => `r${at}`);
const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

describe('UsageRecorder', () => {
  let store: MemoryLog;
  let recorder: UsageRecorder;
  let errors: jest.SpiedFunction<Logger['error']>;
  const recorded = (id: string) => new Promise<void>((settled) => recorder.record(record(id), settled));
  /** When that many are written: nobody is made to wait for a store that is down. */
  const written = async (count: number) => {
    while (store.ids.length < count) await after(5);
  };

  beforeEach(() => {
    store = new MemoryLog();
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

  it('goes on trying when the log is down, says so once, refuses new requests, and loses and reorders nothing', async () => {
    let down = true;
    store.before = () => {
      if (down) throw new Error('disk full');
    };
    for (const id of ids(1_200)) void recorded(id);
    expect(recorder.refusal).toBeUndefined();
    await after(400);
    expect(recorder.refusal).toMatchObject({ status: 503, retryAfterMs: 1_000 });
    await expect(store.check()).rejects.toThrow();
    void recorded('late');
    down = false;
    await written(1_201);
    expect(store.ids).toEqual([...ids(1_200), 'late']);
    expect(recorder.refusal).toBeUndefined();
    await expect(store.check()).resolves.toBeUndefined();
    expect(errors).toHaveBeenCalledTimes(1);
    expect(errors.mock.calls[0]?.[0]).toContain('disk full');
  });

  it.each([
    ['fails', () => Promise.reject(new Error('disk full'))],
    ['hangs', () => new Promise<void>(() => undefined)],
  ])('lets an answer wait two seconds for a log that %s, and not longer', async (_, before) => {
    store.before = before;
    const began = performance.now();
    const wait = recorded('a').then(() => performance.now() - began);
    await after(1_000);
    void recorded('b');
    expect(await wait).toBeGreaterThan(1_980);
    expect(performance.now() - began).toBeLessThan(2_200);
    expect(recorder.refusal).toBeDefined();
    expect(recorder.waiting).toBe(2);
    recorder = new UsageRecorder(new MemoryLog());
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

  it('gives up nothing that was answered however many wait, of refusals no more than it can keep', async () => {
    store.before = () => {
      throw new Error('down');
    };
    for (const id of ids(100_000)) recorder.record(record(id), () => undefined);
    const refused = { requestId: 'refused', outcome: 'refused' } as UsageRecord;
    await new Promise<void>((settled) => recorder.record(refused, settled));
    recorder.record(record('answered'), () => undefined);
    while (!store.failing) await after(5);
    store.before = () => undefined;
    await written(100_001);
    expect(store.ids).toEqual([...ids(100_000), 'answered']);
    expect(errors.mock.calls.map(([said]) => String(said)).filter((said) => said.includes('refused are not'))).toEqual([
      expect.stringMatching(/^1 requests/),
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

  it('writes what it could not write into the log of the process, when that ends', async () => {
    store.before = () => Promise.reject(new Error('disk full'));
    void recorded('a');
    await recorder.onApplicationShutdown();
    expect(errors.mock.calls.flat().filter((said) => String(said).includes('{"requestId":"a"}'))).toHaveLength(1);
  });
});
