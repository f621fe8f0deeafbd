import { firstSet, type Environment, type Variable } from './environment-variables.js';
import type { Place } from './located.js';

/** One thing that is wrong with the config. */
export interface ConfigProblem extends Place {
  readonly message: string;
}

/** One pass over the config: it collects every problem instead of stopping at the first. */
export class Reading {
  /** The names of the providers there are, those with faults included. */
  readonly providers = new Set<string>();
  readonly #problems: ConfigProblem[] = [];
  readonly #mentions: { readonly provider: string; readonly place: Place }[] = [];

  constructor(readonly environment: Environment) {}

  /** In the order of the file, then what the environment has wrong. */
  get problems(): readonly ConfigProblem[] {
    return [...this.#problems].sort((a, b) => order(a.line, b.line) || order(a.column, b.column));
  }

  /** Notes a problem; returns undefined, which is what a shape answers for a value it cannot read. */
  refuse(place: Place, message: string): undefined {
    this.#problems.push({ ...place, message });
  }

  /** Notes that a provider is spoken of; whether there is one is known only when all of the file is read. */
  mentionProvider(provider: string, place: Place): void {
    this.#mentions.push({ provider, place });
  }

  get unknownProviders(): readonly { readonly provider: string; readonly place: Place }[] {
    return this.#mentions.filter(({ provider }) => !this.providers.has(provider));
  }

  /** The first of these variables that is set. */
  variable(names: readonly string[]): Variable | undefined {
    return firstSet(this.environment, names);
  }
}

function order(a: number | null, b: number | null): number {
  return (a ?? Number.MAX_SAFE_INTEGER) - (b ?? Number.MAX_SAFE_INTEGER);
}
