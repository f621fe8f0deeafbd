/** Thrown where a check would take more work than one answer is worth. */
export class OutOfStepsError extends Error {}

const MAX_FAULTS = 10_000;
/** Of a text whose length is counted or that is held against a format. */
const CHARACTERS_PER_STEP = 32;

/** How much work one check may be: schemas and answers come from strangers, and some grow exponentially. */
export class StepBudget {
  #left = 0;

  constructor(private readonly steps: number) {}

  refill(): void {
    this.#left = this.steps;
  }

  take(steps = 1): void {
    this.#left -= steps;
    if (this.#left < 0) throw new OutOfStepsError();
  }

  /** One part of a schema is about to be held against a value, with so many faults found so far. */
  takePart(steps: number, value: unknown, faults: number): void {
    // Each fault is an object that is kept until the end, and there may be one for each name in each part.
    if (faults > MAX_FAULTS) throw new OutOfStepsError();
    this.take(typeof value === 'string' ? steps + value.length / CHARACTERS_PER_STEP : steps);
  }
}
