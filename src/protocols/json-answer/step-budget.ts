/** Thrown where a check would take more work than one answer is worth. */
export class OutOfStepsError extends Error {}

/** How much work one check may be: schemas and answers come from strangers, and some grow exponentially. */
export class StepBudget {
  #left = 0;

  constructor(private readonly steps: number) {}

  refill(): void {
    this.#left = this.steps;
  }

  take(): void {
    this.#left -= 1;
    if (this.#left < 0) throw new OutOfStepsError();
  }
}
