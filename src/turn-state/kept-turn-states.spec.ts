import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { setTimeout as wait } from 'node:timers/promises';
import { BENCHES, type Bench } from '../../test/support/databases.js';
import { Secret } from '../domain/secret.js';
import { NO_TURN_STATES, type TurnState } from '../domain/turn-state.js';
import { KyselyTurnStateStore } from '../storage/sql/kysely-turn-state.store.js';
import type { SqlDatabase } from '../storage/sql/sql-database.js';
import { KEPT_MS, KeptTurnStates } from './kept-turn-states.js';
import { RememberedStates } from './remembered-states.js';
import { StateSeal } from './state-seal.js';
import { StoredStates } from './stored-states.js';
import { TurnStateSweeper } from './turn-state-sweeper.js';
import { TurnStateWriter } from './turn-state-writer.js';
import { TurnStateStore, type SealedTurnState } from './turn-state.store.js';

const SECRET = 'a secret of all replicas';
const state = (toolCallId: string, value = `{"signature":"of ${toolCallId} — ✓"}`): TurnState => ({
  toolCallId,
  format: 'anthropic-claude-v1',
  value,
});
const byId = (...states: readonly TurnState[]) => new Map(states.map((each) => [each.toolCallId, each]));

let now = Date.UTC(2026, 10, 22, 12);

/** A gateway's keeper, with a memory of its own over a store that it may share. */
function replica(store: TurnStateStore, secret = SECRET, memory = new RememberedStates()) {
  const seal = new StateSeal(new Secret(secret));
  const writer = new TurnStateWriter(store, seal);
  const keeper = new KeptTurnStates({ stored: new StoredStates(store, seal), writer, now: () => now, memory });
  return { keeper, writer, seal };
}

describe.each(BENCHES)('turn states in %s', (_, makeBench) => {
  const test = makeBench === undefined ? it.skip : it;
  let bench: Bench;
  let database: SqlDatabase;
  let store: KyselyTurnStateStore;

  beforeAll(async () => {
    if (makeBench === undefined) return;
    bench = await makeBench();
    database = await bench.open();
    store = new KyselyTurnStateStore(database);
  });

  beforeEach(async () => {
    if (makeBench !== undefined) await database.query.deleteFrom('turn_states').execute();
  });

  afterEach(() => jest.restoreAllMocks());

  afterAll(async () => {
    if (makeBench === undefined) return;
    await database.close();
    await bench.remove();
  });

  /** What one replica has kept, and written. */
  async function kept(...states: readonly TurnState[]) {
    const one = replica(store);
    one.keeper.keep('key_1', states);
    expect(await one.writer.flush(5_000)).toBe(true);
    return one;
  }

  test('are found by another replica and after a restart, in whatever order they are asked for', async () => {
    const many = Array.from({ length: 1_203 }, (_each, at) => state(`call_${at}`));
    await kept(...many);
    const { keeper } = replica(store);
    const ids = ['call_none', ...many.map(({ toolCallId }) => toolCallId).toReversed(), 'call_0'];
    const asked = keeper.find('key_1', ids);
    expect(asked).toBeInstanceOf(Promise);
    expect(await asked).toEqual(byId(...many));
    const again = keeper.find('key_1', ids); // and what is not there is known as well
    expect(again).not.toBeInstanceOf(Promise);
    expect(again).toEqual(byId(...many));
  });

  test('belong to one virtual key, and nobody without a key has any', async () => {
    const { keeper } = await kept(state('call_a'));
    expect(await keeper.find('key_2', ['call_a'])).toEqual(new Map());
    expect(await replica(store).keeper.find('key_2', ['call_a'])).toEqual(new Map());
    keeper.keep(undefined, [state('call_b')]);
    expect(keeper.find(undefined, ['call_a', 'call_b'])).toBe(NO_TURN_STATES);
    expect(await keeper.find('key_1', ['call_b'])).toEqual(new Map());
  });

  test('are neither readable nor countable by key or call without the secret', async () => {
    await kept(state('call_readable', 'thought that nobody reads'));
    const rows = await database.query.selectFrom('turn_states').selectAll().execute();
    expect(rows).toHaveLength(1);
    const raw = JSON.stringify(rows) + Buffer.from(rows[0]?.payload ?? '', 'base64').toString('latin1');
    for (const text of ['call_readable', 'key_1', 'nobody reads', SECRET]) expect(raw).not.toContain(text);
    expect(await replica(store, 'another secret').keeper.find('key_1', ['call_readable'])).toEqual(new Map());
  });

  test.each<[what: string, change: (row: SealedTurnState, seal: StateSeal) => SealedTurnState]>([
    ['a bit of the text', (row) => ({ ...row, payload: flipped(row.payload, 14) })],
    ['a bit of the nonce', (row) => ({ ...row, payload: flipped(row.payload, 0) })],
    ['a bit of the tag', (row) => ({ ...row, payload: flipped(row.payload, -1) })],
    ['a cut payload', (row) => ({ ...row, payload: row.payload.slice(0, 20) })],
    ['no payload', (row) => ({ ...row, payload: '' })],
    ['no base64', (row) => ({ ...row, payload: '\u{1f600}'.repeat(40) })],
    ['another format', (row) => ({ ...row, format: 'google-gemini-v1' })],
    ['another call', (row, seal) => ({ ...row, id: seal.idOf('key_1', 'call_b') })],
    ['another key', (row, seal) => ({ ...row, id: seal.idOf('key_2', 'call_a') })],
    [
      'another secret',
      (row) => ({ ...row, ...new StateSeal(new Secret('x')).seal('key_1', state('call_a'), now + 9), id: row.id }),
    ],
  ])('that were changed are as if they were not there, and that is said once: %s', async (_what, change) => {
    const warned = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const { seal } = replica(store);
    const sealed = seal.seal('key_1', state('call_a'), now + KEPT_MS);
    await store.write([change(sealed, seal)]);
    const { keeper } = replica(store);
    for (const key of ['key_1', 'key_2']) expect(await keeper.find(key, ['call_a', 'call_b'])).toEqual(new Map());
    now += 60_000;
    for (const key of ['key_1', 'key_2']) expect(await keeper.find(key, ['call_a', 'call_b'])).toEqual(new Map());
    expect(warned.mock.calls.length).toBe(1);
  });

  test('end after a day, in memory and in the store, and are swept away', async () => {
    const { keeper } = await kept(...Array.from({ length: 502 }, (_each, at) => state(`call_${at}`)));
    now += KEPT_MS - 1;
    expect(keeper.find('key_1', ['call_0'])).toEqual(byId(state('call_0')));
    const second = replica(store);
    expect(await second.keeper.find('key_1', ['call_0'])).toEqual(byId(state('call_0')));
    now += 1;
    for (const each of [keeper, second.keeper, replica(store).keeper])
      expect(await each.find('key_1', ['call_0'])).toEqual(new Map());
    second.keeper.keep('key_1', [state('call_new')]);
    await second.writer.flush(5_000);
    await new TurnStateSweeper(store).sweep(now);
    const rows = await database.query.selectFrom('turn_states').select('expires_at').execute();
    expect(rows).toEqual([{ expires_at: now + KEPT_MS }]);
  });

  test('are replaced by newer ones of the same call', async () => {
    const { keeper, writer } = await kept(state('call_a', '1'));
    keeper.keep('key_1', [state('call_a', '2'), state('call_a', '3')]);
    await writer.flush(5_000);
    expect(keeper.find('key_1', ['call_a'])).toEqual(byId(state('call_a', '3')));
    expect(await replica(store).keeper.find('key_1', ['call_a'])).toEqual(byId(state('call_a', '3')));
  });

  test('that another replica wrote a little later are found then', async () => {
    const other = replica(store);
    expect(await other.keeper.find('key_1', ['call_late'])).toEqual(new Map());
    await kept(state('call_late'));
    now += 10_001;
    expect(await other.keeper.find('key_1', ['call_late'])).toEqual(byId(state('call_late')));
  });

  test('are asked for again after the clock was set back', async () => {
    const other = replica(store);
    now += 365 * KEPT_MS;
    expect(await other.keeper.find('key_1', ['call_late'])).toEqual(new Map());
    now -= 365 * KEPT_MS;
    await kept(state('call_late'));
    expect(await other.keeper.find('key_1', ['call_late'])).toEqual(byId(state('call_late')));
  });

  test('are swept away some at a time, and others get their turn meanwhile', async () => {
    await kept(...Array.from({ length: 1_200 }, (_each, at) => state(`call_${at}`)));
    const left: number[] = [];
    const deleteExpired = store.deleteExpired.bind(store);
    jest.spyOn(store, 'deleteExpired').mockImplementation((at, limit) => {
      setImmediate(() => left.push(limit));
      return deleteExpired(at, limit);
    });
    await new TurnStateSweeper(store).sweep(now + KEPT_MS);
    expect(left.length).toBeGreaterThanOrEqual(2);
  });
});

/** A store that does as told. */
class SwitchedStore extends TurnStateStore {
  mode: 'up' | 'down' | 'silent' = 'up';
  rows: readonly SealedTurnState[] = [];
  asked = 0;
  largestQuestion = 0;

  async write(states: readonly SealedTurnState[]) {
    await this.#answer();
    this.rows = [...this.rows, ...states];
  }

  async find(ids: readonly string[]) {
    this.asked += 1;
    this.largestQuestion = Math.max(this.largestQuestion, ids.length);
    await this.#answer();
    return this.rows.filter(({ id }) => ids.includes(id));
  }

  deleteExpired() {
    return Promise.resolve(0);
  }

  #answer(): Promise<void> {
    if (this.mode === 'down') return Promise.reject(new Error('ECONNREFUSED'));
    return this.mode === 'up' ? Promise.resolve() : new Promise(() => undefined);
  }
}

describe('KeptTurnStates', () => {
  let store: SwitchedStore;
  const logs = { error: jest.fn(), warn: jest.fn(), log: jest.fn() };

  beforeEach(() => {
    store = new SwitchedStore();
    for (const level of ['error', 'warn', 'log'] as const) {
      logs[level].mockClear();
      jest.spyOn(Logger.prototype, level).mockImplementation(logs[level]);
    }
  });

  afterEach(() => jest.restoreAllMocks());

  it('answers at once what memory knows, before anything is written', () => {
    const { keeper } = replica(store);
    keeper.keep('key_1', [state('call_a'), state('call_b')]);
    expect(keeper.find('key_1', ['call_b', 'call_a'])).toEqual(byId(state('call_a'), state('call_b')));
    expect(keeper.find('key_1', [])).toBe(NO_TURN_STATES);
    expect([store.asked, store.rows]).toEqual([0, []]);
  });

  it('asks the store only for what memory does not know', async () => {
    const { keeper } = replica(store);
    keeper.keep('key_1', [state('call_a')]);
    expect(await keeper.find('key_1', ['call_a', 'call_x'])).toEqual(byId(state('call_a')));
    expect([store.asked, store.largestQuestion]).toEqual([1, 1]);
  });

  it.each(['down', 'silent'] as const)('goes on without a store that is %s, and says so once', async (mode) => {
    const { keeper, writer } = replica(store);
    store.mode = mode;
    keeper.keep('key_1', [state('call_a')]);
    const startedAt = performance.now();
    for (let turn = 0; turn < 5; turn += 1)
      expect(await keeper.find('key_1', ['call_a', 'call_x'])).toEqual(byId(state('call_a')));
    expect(performance.now() - startedAt).toBeLessThan(1_500);
    expect(store.asked).toBe(1);
    expect(logs.error.mock.calls.filter(([line]) => String(line).includes('does not answer'))).toHaveLength(1);
    store.mode = 'up';
    if (mode === 'silent') return;
    expect(await writer.flush(5_000)).toBe(true);
    expect(store.rows).toHaveLength(1);
    await wait(2_000);
    expect(await keeper.find('key_1', ['call_x'])).toEqual(new Map()); // it was not taken for absent meanwhile
    expect(store.asked).toBe(2);
  });

  it('writes what is left when the gateway ends, and does not wait for ever', async () => {
    const { keeper, writer } = replica(store);
    keeper.keep('key_1', [state('call_a')]);
    await writer.onApplicationShutdown();
    expect(store.rows).toHaveLength(1);
    const stuck = replica(store);
    store.mode = 'silent';
    stuck.keeper.keep('key_1', [state('call_b')]);
    const startedAt = performance.now();
    await stuck.writer.onApplicationShutdown();
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    expect(logs.error.mock.calls.at(-1)?.[0]).toContain('1 turn states could not be written');
  });

  it('keeps nothing that is too large, and says so', async () => {
    const { keeper, writer } = replica(store);
    keeper.keep('key_1', [state('call_big', 'x'.repeat(1024 * 1024 + 1)), state('c'.repeat(257)), state('call_a')]);
    await writer.flush(1_000);
    expect(store.rows).toHaveLength(1);
    expect(logs.warn.mock.calls).toHaveLength(2);
    expect(await keeper.find('key_1', ['call_big', 'c'.repeat(257), 'call_a'])).toEqual(byId(state('call_a')));
  });

  it('bounds what it remembers, and what waits for a store that is away', async () => {
    const { keeper, writer } = replica(store, SECRET, new RememberedStates(1024 * 1024));
    store.mode = 'down';
    const value = 'x'.repeat(200_000);
    for (let at = 0; at < 100; at += 1) keeper.keep('key_1', [state(`call_${at}`, value)]);
    expect(keeper.find('key_1', ['call_99', 'call_98'])).toEqual(
      byId(state('call_99', value), state('call_98', value)),
    );
    expect(await keeper.find('key_1', ['call_0'])).toEqual(new Map());
    expect(logs.error.mock.calls.filter(([line]) => String(line).includes('Too many'))).toHaveLength(1);
    store.mode = 'up';
    await writer.flush(5_000);
    expect(store.rows.length).toBeGreaterThan(70);
    expect(store.rows.length).toBeLessThan(85);
  });

  it('is not kept busy by a request with any number of made-up calls', async () => {
    const { keeper } = replica(store);
    keeper.keep('key_1', [state('call_a')]);
    const flood = Array.from({ length: 300_000 }, (_each, at) => `made_up_${at}`);
    const startedAt = performance.now();
    expect(await keeper.find('key_1', [...flood, 'call_a'])).toEqual(byId(state('call_a')));
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect(store.largestQuestion).toBeLessThanOrEqual(4_096);
    expect(keeper.find('key_1', ['call_a'])).toEqual(byId(state('call_a')));
  });
});

function flipped(base64: string, at: number): string {
  const bytes = Buffer.from(base64, 'base64');
  const place = at < 0 ? bytes.length + at : at;
  bytes.writeUInt8(bytes.readUInt8(place) ^ 1, place);
  return bytes.toString('base64');
}
