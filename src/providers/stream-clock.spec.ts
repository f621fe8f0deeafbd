import { jest } from '@jest/globals';
import type { UpstreamTimeoutError } from '../domain/errors.js';
import { Flow } from '../domain/flow.js';
import { StreamClock } from './stream-clock.js';

const TIMEOUTS = { connect: 1, firstToken: 100, idle: 40, total: 1000 };

function start() {
  const expired = jest.fn<(error: UpstreamTimeoutError) => void>();
  const flow = new Flow();
  return { flow, expired, clock: new StreamClock(TIMEOUTS, flow, expired) };
}

describe('StreamClock', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => {
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  it('gives the first token its time, whatever other signs of life there are', () => {
    const { clock, expired } = start();
    for (let at = 0; at < 9; at += 1) {
      jest.advanceTimersByTime(11);
      clock.tick();
    }
    expect(expired).not.toHaveBeenCalled();
    jest.advanceTimersByTime(1);
    expect(expired).toHaveBeenCalledTimes(1);
    expect(expired.mock.calls[0]?.[0]).toMatchObject({ clock: 'firstToken', status: 504, code: 'timeout' });
  });

  it('then gives every silence its time', () => {
    const { clock, expired } = start();
    jest.advanceTimersByTime(99);
    clock.started();
    for (let at = 0; at < 10; at += 1) {
      jest.advanceTimersByTime(39);
      clock.tick();
    }
    expect(expired).not.toHaveBeenCalled();
    jest.advanceTimersByTime(40);
    expect(expired.mock.calls).toEqual([[expect.objectContaining({ clock: 'idle' })]]);
  });

  it('does not blame the provider while the client makes it wait', () => {
    const { clock, expired, flow } = start();
    clock.started();
    flow.pause();
    jest.advanceTimersByTime(400);
    expect(expired).not.toHaveBeenCalled();
    flow.resume();
    jest.advanceTimersByTime(39);
    expect(expired).not.toHaveBeenCalled();
    jest.advanceTimersByTime(1);
    expect(expired).toHaveBeenCalledTimes(1);
  });

  it.each([[false], [true]])('is silent once it is stopped (started: %p)', (started) => {
    const { clock, expired } = start();
    if (started) clock.started();
    clock.stop();
    jest.advanceTimersByTime(1000);
    expect(expired).not.toHaveBeenCalled();
  });
});
