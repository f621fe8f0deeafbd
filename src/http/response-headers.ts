import type { ServerResponse } from 'node:http';
import { durationText } from '../domain/duration.js';
import type { WindowStanding } from '../domain/limit.js';
import { pathsOf } from '../domain/param-change.js';
import type { RequestContext } from '../domain/request-context.js';
import { contextIfAny } from './context.js';

/** The version of OpenAI's API whose contract this is; clients log it. */
export const OPENAI_VERSION = '2020-10-01';

/**
 * Puts the gateway's headers on an answer at the last moment, whoever writes it: a controller, the error filter,
 * a stream. Only then is it known how long it took and where it came from.
 */
export function stampHeaders(response: ServerResponse): void {
  const context = contextIfAny(response.req);
  if (context === undefined) return;
  response.setHeader('x-request-id', context.id);
  response.setHeader('openai-version', OPENAI_VERSION);
  const { clientRequestId } = context.wishes;
  if (clientRequestId !== undefined) response.setHeader('x-client-request-id', clientRequestId);
  response.setHeader('openai-processing-ms', Math.round(performance.now() - context.startedAt));
  stampLimits(response, context);
  const { replayOf } = context;
  if (replayOf !== undefined) {
    response.setHeader('x-parley-replayed', replayOf.id);
    stampAttempts(response, replayOf);
  } else if (context.attempts.length > 0) {
    stampAttempts(response, context);
    stampOwn(response, context);
  }
}

/** In OpenAI's units. On refusals too: that is when clients look. */
function stampLimits(response: ServerResponse, { standing, mayBeCutOff }: RequestContext): void {
  if (mayBeCutOff) response.setHeader('x-parley-cut-off', 'budget');
  if (standing?.requests !== undefined) stampWindow(response, 'requests', standing.requests);
  if (standing?.tokens !== undefined) stampWindow(response, 'tokens', standing.tokens);
}

function stampWindow(response: ServerResponse, what: string, { limit, remaining, resetMs }: WindowStanding): void {
  response.setHeader(`x-ratelimit-limit-${what}`, limit);
  response.setHeader(`x-ratelimit-remaining-${what}`, remaining);
  response.setHeader(`x-ratelimit-reset-${what}`, durationText(resetMs));
}

type Attempted = Pick<RequestContext, 'attempts' | 'lastAttempt'>;

/** Where the answer came from, whichever request the calls were made for. */
function stampAttempts(response: ServerResponse, { attempts, lastAttempt }: Attempted): void {
  if (lastAttempt === undefined) return;
  const { deployment, changes } = lastAttempt;
  response.setHeader('x-parley-provider', headerText(deployment.provider));
  response.setHeader('x-parley-model', headerText(deployment.model));
  response.setHeader('x-parley-attempts', attempts.length);
  if (changes.length > 0)
    for (const treatment of ['dropped', 'adapted'] as const) {
      const paths = pathsOf(changes, treatment);
      if (paths.length > 0) response.setHeader(`x-parley-${treatment}-params`, listed(paths));
    }
}

/** What the request itself took. */
function stampOwn(response: ServerResponse, context: RequestContext): void {
  response.setHeader('x-parley-overhead-ms', overhead(context).toFixed(1));
  const { costNanoUsd } = context;
  if (costNanoUsd !== undefined)
    response.setHeader('x-parley-cost-usd', (costNanoUsd / 1e9).toFixed(9).replace(/0+$/, '').replace(/\.$/, ''));
}

/** Milliseconds spent in the gateway itself: all of the time but that of waiting for providers. */
function overhead({ startedAt, attempts }: RequestContext): number {
  const now = performance.now();
  const waited = attempts.reduce(
    (sum, attempt) => sum + (attempt.answeredAt ?? attempt.endedAt ?? now) - attempt.startedAt,
    0,
  );
  return Math.max(0, now - startedAt - waited);
}

const MAX_PATHS = 50;

/** A long conversation may have a path for each of its messages. */
const listed = (list: readonly string[]): string => headerText(list.slice(0, MAX_PATHS).join(','));

/** Names come from configs and clients: what a header may not hold is written as a percent code. */
function headerText(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd'));
}
