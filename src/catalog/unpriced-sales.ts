import type { Deployment } from '../domain/deployment.js';

/** How often something of one model was used whose price is not known. */
export interface UnpricedModel {
  readonly provider: string;
  readonly model: string;
  readonly times: number;
}

/** Clients may call a provider's models by any name: beyond this many, names are not told apart any more. */
const MOST_MODELS = 500;
const OTHER = 'other';

/** Counts what was used and could not be priced, since the start. */
export class UnpricedSales {
  readonly #counts = new Map<string, Map<string, number>>();
  #models = 0;

  add({ provider, model }: Pick<Deployment, 'provider' | 'model'>): void {
    const counts = this.#counts.get(provider) ?? new Map<string, number>();
    this.#counts.set(provider, counts);
    const name = counts.has(model) || this.#models < MOST_MODELS ? model : OTHER;
    const before = counts.get(name);
    if (before === undefined) this.#models += 1;
    counts.set(name, (before ?? 0) + 1);
  }

  all(): readonly UnpricedModel[] {
    return [...this.#counts].flatMap(([provider, counts]) =>
      [...counts].map(([model, times]) => ({ provider, model, times })),
    );
  }
}
