import type { Admitted } from './admission.js';
import type { Guessed } from './cut-ending.js';

/** What a stream is charged by. */
export interface Tariff {
  readonly promptTokens: number;
  /** Of so many characters of answer. */
  answerTokens(said: number): number;
  /** Of an answer of so many tokens, with its prompt; in nano-dollars. */
  cost(answerTokens: number): number;
}

/** A reservation grows by such a share of what it was, while there is that much. */
const STEP = 1 / 8;

/** What a stream has come to, and whether that much is set aside for it. */
export class StreamCost {
  #said = 0;
  #covered: number;
  #tariff: Tariff | undefined;
  #isAsking = false;
  #isShort = false;

  constructor(
    private readonly admitted: Pick<Admitted, 'reservation' | 'wanted'>,
    private readonly tariffOf: () => Tariff | undefined,
  ) {
    this.#covered = admitted.wanted.costNanoUsd;
  }

  /** So far. */
  get tokens(): Guessed {
    const { promptTokens: prompt = 0 } = this.#tariff ?? {};
    return { prompt, answer: this.#tariff?.answerTokens(this.#said) ?? 0 };
  }

  /** More characters have come; false: the budget has not that much. */
  isCovered(said: number): boolean {
    if (said === 0) return true;
    this.#said += said;
    this.#tariff ??= this.tariffOf();
    if (this.#tariff === undefined) return true;
    const missing = this.#tariff.cost(this.tokens.answer) - this.#covered;
    if (missing <= 0) return true;
    // What flows while another process is asked is little, and counted all the same.
    if (!this.#isAsking && !this.#isShort) this.#extend(missing);
    return !this.#isShort;
  }

  #extend(missing: number): void {
    this.#ask(Math.max(missing, this.admitted.wanted.costNanoUsd * STEP), (granted) => {
      if (!granted) this.#ask(missing, (grantedAll) => (this.#isShort = !grantedAll));
    });
  }

  #ask(amount: number, then: (granted: boolean) => void): void {
    const answered = (granted: boolean): void => {
      this.#isAsking = false;
      if (granted) this.#covered += amount;
      then(granted);
    };
    const granted = this.admitted.reservation.extend(amount);
    if (typeof granted === 'boolean') return answered(granted);
    this.#isAsking = true;
    granted.then(answered, () => answered(false));
  }
}
