import { readFileSync } from 'node:fs';
import type { ModelPrice } from '../domain/price.js';
import type { Capability, ModelCard, PricePeriod } from './model-card.js';

/** `model-catalog.json`, as `npm run catalog` writes it. */
export interface CatalogFile {
  /** Where the prices come from, of which day they are, and a hash of all of them: `genai-prices-0.1.8+2026-09-23.1f0c9a2b`. */
  readonly version: string;
  readonly types: readonly CatalogType[];
}

/** The models of one provider type. */
export interface CatalogType {
  readonly type: string;
  /** Types whose models it serves as well, at their prices. */
  readonly fallback?: readonly string[];
  readonly models: readonly CatalogEntry[];
}

/** One model and the rules by which other ids are the same model. What is not known is absent. */
export interface CatalogEntry {
  readonly id: string;
  readonly name?: string;
  readonly aliases?: readonly string[];
  readonly prefixes?: readonly string[];
  /** Text that an id may have anywhere: `us.anthropic.claude-…`. */
  readonly fragments?: readonly string[];
  readonly context?: number;
  readonly maxOutput?: number;
  readonly capabilities?: readonly Capability[];
  readonly refuses?: readonly string[];
  readonly chat?: false;
  readonly listed?: false;
  readonly price?: ModelPrice;
  /** In place of `price` where it changes on a day or over the day. */
  readonly prices?: readonly PricePeriod[];
}

/** The catalogue that was shipped with this version; some milliseconds. */
export function readCatalogFile(): CatalogFile {
  return JSON.parse(readFileSync(new URL('./model-catalog.json', import.meta.url), 'utf8')) as CatalogFile;
}

export function cardOf(type: string, entry: CatalogEntry): ModelCard {
  const chat = entry.chat ?? true;
  return {
    type,
    id: entry.id,
    name: entry.name ?? entry.id,
    contextWindow: entry.context ?? null,
    maxOutputTokens: entry.maxOutput ?? null,
    capabilities: entry.capabilities ?? null,
    refuses: entry.refuses ?? [],
    chat,
    listed: chat && (entry.listed ?? true),
    prices: entry.prices ?? (entry.price === undefined ? [] : [{ price: entry.price }]),
  };
}
