import { Injectable } from '@nestjs/common';
import type { ModelPrice } from '../domain/price.js';
import { CardIndex } from './card-index.js';
import { readCatalogFile, type CatalogType } from './catalog-file.js';
import { priceAt, type ModelCard } from './model-card.js';

/** Ids come with a path in front at these: `models/gemini-2.5-pro`, `publishers/google/models/gemini-2.5-pro`. */
const PATHS: Readonly<Record<string, RegExp>> = {
  gemini: /^models\//,
  vertex: /^(?:.*\/)?(?:models\/|google\/|anthropic\/)/,
};

/** What models there are, what they can do and what they cost: the catalogue that was shipped with this version. */
@Injectable()
export class ModelCatalog {
  /** Kept with every cost, so that it can be explained later. */
  readonly version: string;
  readonly #types: ReadonlyMap<string, CatalogType>;
  readonly #indexes = new Map<string, CardIndex>();

  constructor() {
    const { version, types } = readCatalogFile();
    this.version = version;
    this.#types = new Map(types.map((entry) => [entry.type, entry]));
  }

  /** The card of a model at a provider type: by its id, an alias, a dated version, or the longest rule that fits. */
  find(type: string, modelId: string): ModelCard | undefined {
    const path = PATHS[type];
    const id = path === undefined || modelId.length > 512 ? modelId : modelId.replace(path, '');
    return this.#find(type, id);
  }

  /** The provider types that have a model of this id: its maker first. */
  typesOf(modelId: string): readonly string[] {
    return [...this.#types.keys()].filter((type) => this.#find(type, modelId) !== undefined);
  }

  /** All models of a provider type, those included that are retired or do not chat. */
  modelsOf(type: string): readonly ModelCard[] {
    const entry = this.#types.get(type);
    if (entry === undefined) return [];
    const own = this.#index(entry).cards;
    const others = (entry.fallback ?? []).flatMap((other) => this.modelsOf(other));
    return [
      ...own,
      ...others.filter(({ id }) => !own.some((card) => card.id === id)).map((card) => soldBy(type, card)),
    ];
  }

  /** The price of a model at `at` (epoch milliseconds); undefined: not known, which is not free. */
  price(type: string, modelId: string, at: number = Date.now()): ModelPrice | undefined {
    const card = this.find(type, modelId);
    return card === undefined ? undefined : priceAt(card, at);
  }

  #find(type: string, modelId: string): ModelCard | undefined {
    const entry = this.#types.get(type);
    if (entry === undefined) return undefined;
    const own = this.#index(entry).find(modelId);
    if (own !== undefined) return own;
    for (const other of entry.fallback ?? []) {
      const card = this.#find(other, modelId);
      if (card !== undefined) return soldBy(type, card);
    }
    return undefined;
  }

  #index(entry: CatalogType): CardIndex {
    let index = this.#indexes.get(entry.type);
    if (index === undefined) {
      index = new CardIndex(entry);
      this.#indexes.set(entry.type, index);
    }
    return index;
  }
}

/** Who sells another's models at its prices need not have its tiers, nor their prices. */
function soldBy(type: string, card: ModelCard): ModelCard {
  const prices = card.prices.map((period) => {
    const { tiers: _tiers, ...price } = period.price;
    return { ...period, price };
  });
  return { ...card, type, prices };
}
