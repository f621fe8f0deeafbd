import { jest } from '@jest/globals';
import { LatencyWindow } from './latency-window.js';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

describe('the window of latencies', () => {
  it.each<[samples: readonly number[], p: number, expected: number | null]>([
    [[], 0.5, null],
    [[7], 0, 7],
    [[7], 1, 7],
    [[30, 4, 100], 0.5, 30],
    [[30, 4, 100], 1, 100],
    [[30, 4, 100], 0, 4],
    [Array.from({ length: 100 }, (_, index) => 100 - index), 0.95, 95],
    [Array.from({ length: 250 }, (_, index) => index + 1), 0, 51],
  ])('of %j gives for %s: %s', (samples, p, expected) => {
    const window = new LatencyWindow();
    for (const ms of samples) window.add(ms);
    expect(window.percentile(p)).toBe(expected);
    expect(window.size).toBe(Math.min(samples.length, 200));
  });

  it('forgets each sample after five minutes, and sees each new one', () => {
    const window = new LatencyWindow();
    window.add(10);
    jest.advanceTimersByTime(60_000);
    window.add(20);
    expect([window.size, window.percentile(0.5), window.percentile(1)]).toEqual([2, 10, 20]);
    window.add(30);
    expect(window.percentile(1)).toBe(30);
    jest.advanceTimersByTime(239_999);
    expect(window.percentile(0)).toBe(10);
    jest.advanceTimersByTime(1);
    expect([window.size, window.percentile(0)]).toEqual([2, 20]);
    jest.advanceTimersByTime(60_000);
    expect([window.size, window.percentile(0)]).toEqual([0, null]);
  });
});
