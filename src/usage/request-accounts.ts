import { Injectable, Logger } from '@nestjs/common';
import { PriceBook } from '../catalog/price-book.js';
import type { GatewayError } from '../domain/errors.js';
import type { SettledUse } from '../domain/limit.js';
import type { RequestContext } from '../domain/request-context.js';
import { tokenCounts, type UsageRecord } from '../domain/usage.js';
import { TokenEstimates } from '../estimates/token-estimates.js';
import { UsageRecorder } from './usage-recorder.js';
import { usageRecord, type Books, type Ending } from './usage-record.js';

const NOTHING: SettledUse = { tokens: 0, costNanoUsd: 0 };

/** Closes the accounts of a request that has ended: what was reserved is settled, and its record is made. */
@Injectable()
export class RequestAccounts {
  readonly #log = new Logger('Usage');

  readonly #books: Books;

  constructor(
    private readonly recorder: UsageRecorder,
    prices: PriceBook,
    private readonly guesses: TokenEstimates,
  ) {
    this.#books = { prices, guesses };
  }

  /** Why no accounts may be opened now; undefined: they may. */
  get refusal(): GatewayError | undefined {
    return this.recorder.refusal;
  }

  /** Once a request. `settled` is called when the record is durable, or nobody should wait for that any longer. */
  close(context: RequestContext, ending: Ending, settled: () => void): void {
    context.isRecorded = true;
    // A request of nobody we know that never reached a provider is the access log's business.
    if (context.principal === undefined && context.attempts.length === 0) return settled();
    try {
      const record = usageRecord(context, ending, this.#books);
      settle(context, useOf(record));
      // Before the answer leaves: the cost is one of its headers.
      if (record.costNanoUsd !== null) context.costNanoUsd = record.costNanoUsd;
      this.#learn(context, ending);
      this.recorder.record(record, settled);
    } catch (fault) {
      // Accounting must never cost a client its answer, nor others their share of a limit.
      this.#log.error(
        `The usage of ${context.id} could not be recorded.`,
        fault instanceof Error ? fault.stack : fault,
      );
      settle(context, NOTHING);
      settled();
    }
  }

  /** An answer whose provider has counted teaches how to guess where none does. */
  #learn({ answering }: RequestContext, { outcome, promptSize }: Ending): void {
    if (outcome !== 'completed' || answering?.usage === undefined) return;
    const { deployment, usage, said } = answering;
    this.guesses.learn(deployment, { promptSize: promptSize(), said, counts: tokenCounts(usage) });
  }
}

/** What was reserved is given back once. */
function settle(context: RequestContext, use: SettledUse): void {
  context.reservation?.settle(use);
  context.reservation = undefined;
}

/** What limits are settled with: what is not known of it counts as nothing. */
function useOf({ usage, attempts }: UsageRecord): SettledUse {
  return {
    tokens: usage === null ? 0 : usage.promptTokens + usage.completionTokens,
    costNanoUsd: attempts.reduce((sum, attempt) => sum + (attempt.costNanoUsd ?? 0), 0),
  };
}
