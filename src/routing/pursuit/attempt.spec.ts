import { NEVER } from 'rxjs';
import type { ChatCompletion, ChatRequest } from '../../domain/chat.js';
import type { Deployment } from '../../domain/deployment.js';
import { UpstreamTimeoutError } from '../../domain/errors.js';
import { RequestContext } from '../../domain/request-context.js';
import type { ChatOperation, UpstreamCall } from '../../providers/provider.js';
import { RunningAttempt, type AttemptListener } from './attempt.js';
import type { Deadline } from './deadline.js';

const deployment: Deployment = {
  provider: 'lab',
  model: 'm',
  baseModel: 'm',
  facts: {},
  endpoint: { type: 'openai-compatible', baseUrl: '', credentials: [], headers: {}, settings: {} },
  timeouts: { connect: 50, firstToken: 50, idle: 50, total: 50 },
  weight: 1,
};
const request: ChatRequest = { model: 'm', messages: [] };
const contextOf = () => new RequestContext('req_1', performance.now(), Date.now(), { strict: false, tags: [] });
const NO_DEADLINE: Deadline = { startBy: Infinity, answerBy: Infinity, endBy: Infinity };

/** An operation that never answers, and shows the call it was given. */
function silent(): { readonly operation: ChatOperation; readonly call: () => UpstreamCall } {
  let seen: UpstreamCall | undefined;
  const operation: ChatOperation = {
    complete: (_, call) => {
      seen = call;
      return new Promise<ChatCompletion>(() => undefined);
    },
    stream: (_, call) => {
      seen = call;
      return NEVER;
    },
  };
  return {
    operation,
    call: () => {
      if (seen === undefined) throw new Error('It was not called.');
      return seen;
    },
  };
}

function start(context: RequestContext, deadline: Deadline) {
  return new RunningAttempt({ deployment, credential: undefined, context, defaulted: new Set() }, deadline);
}

describe.each([[false], [true]])('an attempt (stream: %s)', (stream) => {
  const heard = (failed: (error: unknown) => void): AttemptListener => ({
    next: () => failed(new Error('It answered.')),
    completed: () => failed(new Error('It ended.')),
    failed,
  });

  it('is cancelled when nobody wants it, and so is what asks only afterwards', () => {
    const { operation, call } = silent();
    const context = contextOf();
    const early: string[] = [];
    const running = start(context, NO_DEADLINE);
    running.start(
      operation,
      { ...request, stream },
      heard(() => early.push('told')),
    );
    call().onCancel(() => early.push('asked before'));
    running.leave('hedge_lost');
    running.leave();
    call().onCancel(() => early.push('asked after'));
    expect(early).toEqual(['asked before', 'asked after']);
    expect(call().signal.aborted).toBe(true);
    expect(context.lastAttempt).toMatchObject({ outcome: 'abandoned', errorCode: 'hedge_lost' });
  });

  it.each<[string, () => Deadline]>([
    ['of its deployment', () => NO_DEADLINE],
    ['of its request', () => ({ ...NO_DEADLINE, answerBy: performance.now() + 20 })],
  ])('ends when the whole time %s has run out', async (_, deadline) => {
    const { operation, call } = silent();
    const context = contextOf();
    const error = await new Promise((resolve) =>
      start(context, deadline()).start(operation, { ...request, stream }, heard(resolve)),
    );
    expect(error).toBeInstanceOf(UpstreamTimeoutError);
    expect(call().signal.aborted).toBe(true);
    expect(context.lastAttempt).toMatchObject({ outcome: 'failed', errorCode: 'timeout' });
  });
});
