import { Injectable } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { defer, from, type Observable, switchMap } from 'rxjs';
import type { ChatCompletion, ChatRequest } from '../../domain/chat.js';
import type { ChatFrame } from '../../domain/chat-frame.js';
import {
  ModelNotFoundError,
  TruncatedStreamError,
  UpstreamError,
  UpstreamTimeoutError,
  UpstreamUnreachableError,
} from '../../domain/errors.js';
import { newCompletionId } from '../../domain/ids.js';
import { type ChatOperation, type Provider, ProviderAdapter, type UpstreamCall } from '../provider.js';
import { type BreakOff, pacedFrames } from './pace.js';
import { beatCount, beatsOf } from './reply/reply-chunks.js';
import { completionOf } from './reply/reply-completion.js';
import { type Reply, replyTo } from './reply/reply.js';
import { SeededRandom } from './schema/seeded-random.js';
import { type Fault, readOptions, type SimulatorOptions } from './simulator-options.js';
import { countPrompt, loadTokenizer } from './token-count.js';

const MODELS = ['simulator', 'simulator-echo', 'simulator-slow', 'simulator-flaky'] as const;
const FLAKY_FAULTS = ['429', '500', '503'] as const;
/** Of so many requests to the flaky model one fails. */
const FLAKY_SHARE = 3;
const RETRY_AFTER_MS = 1000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A provider inside the gateway that behaves like OpenAI but is no language model: it opens no connection. */
@ProviderAdapter('simulator')
@Injectable()
export class SimulatorProvider implements Provider {
  readonly baseUrl = '';
  readonly models: readonly string[] = MODELS;
  readonly ownedBy = 'parley (simulated, not a language model)';
  readonly chat: ChatOperation = {
    complete: (request, call) => this.#complete(request, call),
    stream: (request, call) => this.#stream(request, call),
  };
  #flakyRequests = 0;

  async #complete(request: ChatRequest, call: UpstreamCall): Promise<ChatCompletion> {
    const { options, reply } = await this.#prepare(request, call);
    const { firstTokenMs, chunkMs, fault } = options;
    const { total } = call.deployment.timeouts;
    const failure = failureOf(fault);
    const needed = failure === undefined ? firstTokenMs + chunkMs * (beatCount(reply) - 1) : firstTokenMs;
    const ms = fault === 'stall' ? Infinity : needed;
    await pause(Math.min(ms, total), call.signal);
    if (ms > total) throw new UpstreamTimeoutError('total', total);
    if (failure !== undefined) throw failure;
    if (fault === 'cut') throw new UpstreamUnreachableError('The provider closed the connection before it answered.');
    call.attempt.answeredAt = performance.now();
    return completionOf(reply, facts(call));
  }

  #stream(request: ChatRequest, call: UpstreamCall): Observable<ChatFrame> {
    return defer(() => from(this.#prepare(request, call))).pipe(
      switchMap(({ options, reply }) => {
        const { firstTokenMs, chunkMs } = options;
        const includeUsage = request.stream_options?.include_usage === true;
        const pace = { firstTokenMs, chunkMs, breakOff: breakOff(options) };
        return pacedFrames({ beats: beatsOf(reply, facts(call), includeUsage), usage: reply.usage, pace }, call);
      }),
    );
  }

  async #prepare(request: ChatRequest, { deployment }: UpstreamCall): Promise<Prepared> {
    const model = MODELS.find((name) => name === deployment.model);
    if (model === undefined) throw new ModelNotFoundError(deployment.model, MODELS);
    const options = readOptions(request, model === 'simulator-slow');
    const tokenizer = await loadTokenizer();
    const promptTokens = await countPrompt(request, tokenizer);
    const reply = replyTo(request, { options, echo: model === 'simulator-echo', promptTokens, tokenizer });
    if (model !== 'simulator-flaky' || options.fault !== undefined) return { options, reply };
    return { options: { ...options, fault: this.#flakyFault(options.seed ?? request.seed ?? undefined) }, reply };
  }

  /** By the seed where there is one; otherwise every third request fails, each time in another way. */
  #flakyFault(seed: number | undefined): Fault | undefined {
    if (seed !== undefined) {
      const random = new SeededRandom(seed);
      return random.between(1, FLAKY_SHARE) === 1 ? random.pick(FLAKY_FAULTS) : undefined;
    }
    this.#flakyRequests += 1;
    if (this.#flakyRequests % FLAKY_SHARE !== 0) return undefined;
    return FLAKY_FAULTS[(this.#flakyRequests / FLAKY_SHARE - 1) % FLAKY_FAULTS.length];
  }
}

interface Prepared {
  readonly options: SimulatorOptions;
  readonly reply: Reply;
}

const facts = ({ deployment }: UpstreamCall) => ({
  id: newCompletionId(),
  created: Math.floor(Date.now() / 1000),
  model: deployment.model,
});

function breakOff({ fault, afterChunks }: SimulatorOptions): BreakOff | undefined {
  if (fault === undefined || fault === 'slow') return undefined;
  if (fault === 'stall') return { afterChunks, error: undefined };
  return { afterChunks, error: fault === 'cut' ? new TruncatedStreamError() : failureOf(fault) };
}

/** The error OpenAI would answer with. */
function failureOf(fault: Fault | undefined): UpstreamError | undefined {
  switch (fault) {
    case '429':
      return new UpstreamError(
        'Rate limit reached for the simulator: Limit 3, Used 3, Requested 1. Please try again in 1s.',
        {
          status: 429,
          upstreamStatus: 429,
          type: 'requests',
          code: 'rate_limit_exceeded',
          retryAfterMs: RETRY_AFTER_MS,
        },
      );
    case '500':
      return new UpstreamError('The simulator had a simulated error while processing your request.', {
        status: 500,
        upstreamStatus: 500,
        type: 'server_error',
        code: null,
      });
    case '503':
      return new UpstreamError('The simulator is simulated to be overloaded. Please try again later.', {
        status: 503,
        upstreamStatus: 503,
        type: 'service_unavailable_error',
        code: 'server_is_overloaded',
        retryAfterMs: RETRY_AFTER_MS,
      });
    default:
      return undefined;
  }
}

/** Rejects with the reason of the signal when it is aborted. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (ms === 0) return;
  try {
    await delay(Math.min(ms, LONGEST_TIMER_MS), undefined, { signal });
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}
