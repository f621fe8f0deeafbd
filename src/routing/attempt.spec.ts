import { NEVER } from 'rxjs';
import type { ChatCompletion, ChatRequest } from '../domain/chat.js';
import type { Deployment } from '../domain/deployment.js';
import { UpstreamTimeoutError } from '../domain/errors.js';
import { RequestContext } from '../domain/request-context.js';
import type { ChatOperation, UpstreamCall } from '../providers/provider.js';
import { attemptChat } from './attempt.js';

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

describe.each([[false], [true]])('an attempt (stream: %s)', (stream) => {
  it('is cancelled when the client leaves, and so is what asks only afterwards', () => {
    const { operation, call } = silent();
    const context = contextOf();
    const early: string[] = [];
    const running = attemptChat(
      operation,
      { ...request, stream },
      { deployment, context, defaulted: new Set() },
    ).subscribe();
    call().onCancel(() => early.push('asked before'));
    running.unsubscribe();
    call().onCancel(() => early.push('asked after'));
    expect(early).toEqual(['asked before', 'asked after']);
    expect(call().signal.aborted).toBe(true);
    expect(context.lastAttempt).toMatchObject({ outcome: 'abandoned' });
  });

  it('ends when its whole time has run out', async () => {
    const { operation, call } = silent();
    const context = contextOf();
    const error = await new Promise((resolve) =>
      attemptChat(operation, { ...request, stream }, { deployment, context, defaulted: new Set() }).subscribe({
        error: resolve,
      }),
    );
    expect(error).toBeInstanceOf(UpstreamTimeoutError);
    expect(call().signal.aborted).toBe(true);
    expect(context.lastAttempt).toMatchObject({ outcome: 'failed', errorCode: 'timeout' });
  });
});
