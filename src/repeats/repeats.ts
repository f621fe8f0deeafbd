import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { Observable, type Subscriber } from 'rxjs';
import type { ChatRequest } from '../domain/chat.js';
import { InvalidRequestError, UpstreamTimeoutError } from '../domain/errors.js';
import { sourceText } from '../domain/json-source.js';
import { mayUse } from '../domain/principal.js';
import type { RequestContext } from '../domain/request-context.js';
import type { ChatAnswer } from '../domain/chat-answer.js';
import { RecentRuns } from './recent-runs.js';
import { Run, type RunName } from './run.js';

/**
 * Gives a request that is sent again the answer of the first: SDKs repeat what they believe to have failed, and each
 * repetition would be paid for anew.
 */
@Injectable()
export class Repeats {
  readonly #recent = new RecentRuns();

  /** Answers that are kept for repetitions. */
  get held(): { readonly runs: number; readonly bytes: number } {
    return this.#recent.held;
  }

  /** The answer of a request: that of an earlier one it repeats, or the outcome of `work`. */
  through(request: ChatRequest, context: RequestContext, work: () => Observable<ChatAnswer>): Observable<ChatAnswer> {
    if (!isConcerned(request, context)) return work();
    return new Observable((client) => {
      const name = nameOf(request, context);
      const earlier = isRepetition(context) ? this.#find(name) : undefined;
      const attemptsLeft = earlier?.attemptsLeft;
      if (earlier !== undefined && attemptsLeft === 0) {
        context.replayOf = earlier.original;
        limitWait(client, context);
        return earlier.join(client, context.flow);
      }
      context.attemptsAllowed = attemptsLeft;
      const run = new Run(name, context, this.#recent);
      this.#recent.add(run);
      return run.start(work, client, context);
    });
  }

  #find({ key, asked }: RunName): Run | undefined {
    const run = this.#recent.find(key);
    if (run !== undefined && run.name.asked !== asked) throw reusedKey();
    return run;
  }
}

/**
 * SDKs count their repetitions, from 0; other clients are understood only where they give a key. Who may no longer use
 * the model is refused as if there were no answer.
 */
function isConcerned({ model }: ChatRequest, { principal, wishes }: RequestContext): boolean {
  const { replay, explain, retryCount, idempotencyKey } = wishes;
  if (retryCount === undefined && idempotencyKey === undefined) return false;
  return principal !== undefined && mayUse(principal, model) && replay !== false && explain !== true;
}

/** Two equal requests are two requests, unless one says that it is the other. */
function isRepetition({ wishes: { retryCount = 0, idempotencyKey } }: RequestContext): boolean {
  return retryCount > 0 || idempotencyKey !== undefined;
}

/** Whoever joins has a deadline of its own: the run knows only that of the first. */
function limitWait(client: Subscriber<ChatAnswer>, { startedAt, wishes: { timeoutMs } }: RequestContext): void {
  if (timeoutMs === undefined) return;
  const late = () => client.error(new UpstreamTimeoutError('total', Math.round(timeoutMs)));
  const timer = setTimeout(late, startedAt + timeoutMs - performance.now());
  client.add(() => clearTimeout(timer));
}

function nameOf(request: ChatRequest, { principal, wishes: { strict, idempotencyKey } }: RequestContext): RunName {
  const digest = createHash('sha256').update(strict ? 'strict ' : '');
  const asked = digest.update(sourceText(request)).digest('base64');
  const what = idempotencyKey === undefined ? `asked ${asked}` : `key ${idempotencyKey}`;
  // The tenant stands last, on a line of its own: a header cannot hold the end of a line, a configured name can.
  return { key: `${what}\n${principal?.keyId ?? ''}`, asked, outlivesClient: idempotencyKey !== undefined };
}

const reusedKey = () =>
  new InvalidRequestError(
    'This `idempotency-key` was used for another request a moment ago. A request that differs needs a key of its own.',
    { status: 422, code: 'idempotency_key_reused' },
  );
