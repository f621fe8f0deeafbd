/** What became of one parameter of a request that could not be sent as its client wrote it. */
export interface ParamChange {
  /** As in `tools`, `messages[0].name`. */
  readonly path: string;
  readonly treatment: 'dropped' | 'adapted';
  /** What it became, for `x-parley-explain`; no secret and no prompt. */
  readonly to?: string;
  readonly reason?: string;
}

/** The paths of what was treated so. */
export const pathsOf = (changes: readonly ParamChange[], treatment: ParamChange['treatment']): readonly string[] =>
  changes.filter((change) => change.treatment === treatment).map(({ path }) => path);

/** Collects what a translator could not carry, in the order in which it came across it. */
export class ParamReport {
  readonly changes: ParamChange[] = [];
  /** Most requests have nothing to tell, and a long conversation may have a path for each of its messages. */
  #paths: Set<string> | undefined;

  /** The parameter is not sent: the answer is the model's without it. */
  drop(path: string, reason?: string): void {
    this.#note({ path, treatment: 'dropped', ...(reason !== undefined && { reason }) });
  }

  /** The parameter is sent in another form, or with another value. */
  adapt(path: string, to?: string, reason?: string): void {
    this.#note({
      path,
      treatment: 'adapted',
      ...(to !== undefined && { to }),
      ...(reason !== undefined && { reason }),
    });
  }

  /** A path is told of once; what was found first counts. */
  #note(change: ParamChange): void {
    this.#paths ??= new Set();
    if (this.#paths.has(change.path)) return;
    this.#paths.add(change.path);
    this.changes.push(change);
  }
}
