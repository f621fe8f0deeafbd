import { cardOf, type CatalogType } from './catalog-file.js';
import type { ModelCard } from './model-card.js';

/** A version at the end of an id: `-2024-08-06`, `-20240806`, `@20240806`, `-001`. */
const VERSION = /[-@](?:\d{4}-\d{2}-\d{2}|\d{8}|\d{3})$/;

/** Longer than any id; what exceeds it is not worth a look. */
const LONGEST_ID = 512;

interface Rule {
  readonly text: string;
  readonly card: ModelCard;
}

/** Finds the card for an id of one provider type, whatever the case of its letters. */
export class CardIndex {
  readonly cards: readonly ModelCard[];
  readonly #exact = new Map<string, ModelCard>();
  readonly #prefixes: readonly Rule[];
  readonly #fragments: readonly Rule[];

  constructor({ type, models }: CatalogType) {
    const prefixes: Rule[] = [];
    const fragments: Rule[] = [];
    const cards: ModelCard[] = [];
    for (const model of models) {
      const card = cardOf(type, model);
      cards.push(card);
      this.#exact.set(model.id.toLowerCase(), card);
      for (const text of model.prefixes ?? []) prefixes.push({ text: text.toLowerCase(), card });
      for (const text of model.fragments ?? []) fragments.push({ text: text.toLowerCase(), card });
    }
    // An id of its own comes before an alias, whichever model has it.
    models.forEach(({ aliases }, at) => {
      const card = cards[at];
      if (card !== undefined) for (const alias of aliases ?? []) this.#addAlias(alias, card);
    });
    this.cards = cards;
    this.#prefixes = prefixes.sort(longestFirst);
    this.#fragments = fragments.sort(longestFirst);
  }

  find(modelId: string): ModelCard | undefined {
    if (modelId.length > LONGEST_ID) return undefined;
    const id = modelId.toLowerCase();
    return this.#exact.get(id) ?? this.#exact.get(id.replace(VERSION, '')) ?? this.#byRule(id);
  }

  #addAlias(alias: string, card: ModelCard): void {
    const id = alias.toLowerCase();
    if (!this.#exact.has(id)) this.#exact.set(id, card);
  }

  #byRule(id: string): ModelCard | undefined {
    const byPrefix = this.#prefixes.find(({ text }) => id.startsWith(text))?.card;
    // `openai/o4-mini` is a model of an aggregator, not one of everybody whose ids have `o4-mini` in them.
    if (byPrefix !== undefined || (id.includes('/') && !id.startsWith('arn:'))) return byPrefix;
    return this.#fragments.find(({ text }) => id.includes(text))?.card;
  }
}

function longestFirst(a: Rule, b: Rule): number {
  return b.text.length - a.text.length;
}
