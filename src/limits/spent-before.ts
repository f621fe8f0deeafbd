import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { UsageStore, type SumFilter } from '../usage/usage.store.js';
import type { Claim } from './limit-store.js';

/** Epoch milliseconds: the first included, the second not. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** How long a request waits to hear what was spent before. */
const PATIENCE_MS = 2_000;
const RETRY_MS = 5_000;
const CATCH_UP_MS = 50;
const MOST_NANO_USD = BigInt(Number.MAX_SAFE_INTEGER);

/** Looks up in the ledger what was spent of a budget before it was counted here: once, and as soon as the ledger answers. */
@Injectable()
export class SpentBefore implements OnApplicationShutdown {
  readonly #log = new Logger('Limits');
  #isDown = false;
  #closed = false;

  /** What the ledger did not answer. */
  readonly #later: (() => Promise<void>)[] = [];
  #retry: NodeJS.Timeout | undefined;
  #catchingUp: Promise<void> | undefined;

  /** `isWhole`: the ledger has got all that was recorded before this process began. */
  constructor(
    private readonly ledger: UsageStore,
    private readonly isWhole: () => boolean,
  ) {}

  /** Tells the sum in nano-dollars, once. Settles with that, or when nobody should wait for it any longer. */
  async of(claim: Claim, stretch: Stretch, tell: (nanoUsd: number) => void): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, PATIENCE_MS)));
    await Promise.race([this.#ask(claim, stretch, tell), patience]);
    clearTimeout(timer);
  }

  /** Settles at the first answer or failure; goes on asking after a failure. */
  async #ask(claim: Claim, stretch: Stretch, tell: (nanoUsd: number) => void): Promise<void> {
    if (!this.isWhole()) await (this.#catchingUp ??= this.#caughtUp());
    if (this.#closed) return;
    try {
      const { costNanoUsd } = await this.ledger.sum({ ...ofClaim(claim), ...stretch });
      tell(Number(costNanoUsd > MOST_NANO_USD ? MOST_NANO_USD : costNanoUsd));
      this.#isDown = false;
    } catch (error) {
      if (!this.#isDown) this.#log.error(`The ledger cannot be asked what budgets have spent: ${String(error)}`);
      this.#isDown = true;
      this.#later.push(() => this.#ask(claim, stretch, tell));
      this.#retry ??= setTimeout(() => void this.#askAgain(), RETRY_MS).unref();
    }
  }

  /** One at a time, and the others only once it answers: there may be as many as there are keys. */
  async #askAgain(): Promise<void> {
    this.#retry = undefined;
    const again = this.#later.splice(0);
    for (const [at, ask] of again.entries()) {
      await ask();
      if (this.#isDown) return void this.#later.push(...again.slice(at + 1));
    }
  }

  async #caughtUp(): Promise<void> {
    while (!this.isWhole() && !this.#closed) await pause(CATCH_UP_MS, undefined, { ref: false });
  }

  onApplicationShutdown(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
  }
}

function ofClaim({ scope, id }: Claim): SumFilter {
  switch (scope) {
    case 'key':
      return { keyId: id };
    case 'team':
      return { owner: id };
    case 'model':
      return { model: id };
  }
}
