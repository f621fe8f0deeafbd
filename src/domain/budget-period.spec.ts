import type { Budget } from './limit.js';
import { budgetEnd, budgetStart } from './budget-period.js';
import { usd } from '../usage/usd.js';

const iso = (at: number | null) => (at === null ? null : new Date(at).toISOString().slice(0, 16));

describe('a budget period', () => {
  it.each<[Budget['per'], string, string, string | null]>([
    ['day', '2026-12-31T23:59', '2026-12-31T00:00', '2027-01-01T00:00'],
    ['week', '2026-11-22T23:59', '2026-11-16T00:00', '2026-11-23T00:00'],
    ['week', '2026-11-23T00:00', '2026-11-23T00:00', '2026-11-30T00:00'],
    ['week', '2027-01-01T08:00', '2026-12-28T00:00', '2027-01-04T00:00'],
    ['month', '2026-12-15T12:00', '2026-12-01T00:00', '2027-01-01T00:00'],
    ['month', '2028-02-29T23:59', '2028-02-01T00:00', '2028-03-01T00:00'],
    ['total', '2026-11-22T12:00', '1970-01-01T00:00', null],
  ])('per %s around %s', (per, now, start, end) => {
    const at = Date.parse(`${now}Z`);
    expect([iso(budgetStart(per, at)), iso(budgetEnd(per, at))]).toEqual([start, end]);
  });
});

describe('usd', () => {
  it.each<[bigint, string]>([
    [0n, '0'],
    [1n, '1e-9'],
    [12_300_000n, '0.0123'],
    [3_210_000_000n, '3.21'],
    [1_000_000_123_456_789n, '1000000.123456789'],
    [-500_000_000n, '-0.5'],
  ])('%s nano-dollars are %s in JSON', (nano, json) => {
    expect(JSON.stringify(usd(nano))).toBe(json);
  });
});
