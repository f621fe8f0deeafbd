import type { ModelPrice } from '../domain/price.js';

/** What a model can do beyond plain text in and out. */
export const CAPABILITIES = ['tools', 'vision', 'json_schema', 'reasoning', 'audio', 'pdf'] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** What is known of one model at one provider type. What is not known is null, never a guess. */
export interface ModelCard {
  readonly type: string;
  /** What the provider's API takes. */
  readonly id: string;
  readonly name: string;
  /** Tokens of prompt and answer together. */
  readonly contextWindow: number | null;
  readonly maxOutputTokens: number | null;
  readonly capabilities: readonly Capability[] | null;
  /** OpenAI request fields that the model does not take although its kind usually does. */
  readonly refuses: readonly string[];
  /** False: embeddings, speech, images and what else chat completions do not serve. */
  readonly chat: boolean;
  /** It can be offered to clients: a chat model that is in service under this very id. */
  readonly listed: boolean;
  /** Empty: the price is not known. */
  readonly prices: readonly PricePeriod[];
}

/** A price and when it holds; of several that hold at a moment, the last one counts. */
export interface PricePeriod {
  readonly price: ModelPrice;
  /** The first UTC day it holds, as `2027-01-01`. */
  readonly from?: string;
  /** The minutes of the UTC day between which it holds: first included, last not. */
  readonly between?: readonly [number, number];
}

/** The price that holds at `at` (epoch milliseconds); undefined: not known. */
export function priceAt({ prices }: ModelCard, at: number): ModelPrice | undefined {
  return prices.findLast((period) => holds(period, at))?.price;
}

function holds({ from, between }: PricePeriod, at: number): boolean {
  if (from !== undefined && at < Date.parse(from)) return false;
  if (between === undefined) return true;
  const minute = Math.floor(at / 60_000) % (24 * 60);
  const [start, end] = between;
  return start <= end ? minute >= start && minute < end : minute >= start || minute < end;
}
