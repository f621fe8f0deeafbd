import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import type { Config } from '../config/config.js';
import { LiveConfig } from '../config/live-config.js';
import { upstreamName, type Deployment } from '../domain/deployment.js';
import { priceInTier, type ModelPrice } from '../domain/price.js';
import { ModelCatalog } from './model-catalog.js';
import { UnpricedSales } from './unpriced-sales.js';

/** A price, and of which list it is. */
export interface ListedPrice {
  readonly price: ModelPrice;
  /** Kept with every cost, so that it can be explained later. */
  readonly version: string;
}

/** What is asked of the price book. */
export interface Sale {
  /** Epoch milliseconds. */
  readonly at: number;
  /** As which the provider billed it; undefined: as usual. */
  readonly serviceTier?: string | undefined;
  /** It is for what was used, and not for a guess: where there is no price, that is counted. */
  readonly used?: boolean;
}

/** What has a price: a model under its name in the config, and under the one in the catalogue. */
export type Sold = Pick<Deployment, 'provider' | 'model' | 'baseModel'> & {
  readonly endpoint: Pick<Deployment['endpoint'], 'type'>;
};

interface Found {
  readonly minute: number;
  readonly serviceTier: string | undefined;
  readonly overrides: Config['prices'];
  readonly listed: ListedPrice | undefined;
}

/** What models cost: as the config says, else as the catalogue does. */
@Injectable()
export class PriceBook {
  readonly unpriced = new UnpricedSales();
  /** Prices change with the minute at most: what was found last for a deployment mostly holds for its next request. */
  readonly #found = new WeakMap<Sold, Found>();
  readonly #versions = new WeakMap<object, string>();

  constructor(
    private readonly catalog: ModelCatalog,
    private readonly config: LiveConfig,
  ) {}

  /** Undefined: not known. */
  find(sold: Sold, { at, serviceTier, used = false }: Sale): ListedPrice | undefined {
    const overrides = this.config.current.prices;
    const minute = Math.floor(at / 60_000);
    let found = this.#found.get(sold);
    if (found?.minute !== minute || found.serviceTier !== serviceTier || found.overrides !== overrides) {
      found = { minute, serviceTier, overrides, listed: this.#find(sold, { at, serviceTier }) };
      this.#found.set(sold, found);
    }
    if (used && found.listed === undefined) this.unpriced.add(sold);
    return found.listed;
  }

  #find(sold: Sold, { at, serviceTier }: Sale): ListedPrice | undefined {
    const overrides = this.config.current.prices;
    const name = upstreamName(sold);
    const own = Object.hasOwn(overrides, name) ? overrides[name] : undefined;
    const listed = own ?? this.catalog.price(sold.endpoint.type, sold.baseModel, at);
    const price = listed && priceInTier(listed, serviceTier);
    return price && { price, version: own === undefined ? this.catalog.version : this.#versionOf(own) };
  }

  /** The same for the same rates, whichever process looks at them. */
  #versionOf(rates: object): string {
    let version = this.#versions.get(rates);
    if (version === undefined) {
      const written = JSON.stringify(Object.entries(rates).sort(([a], [b]) => (a < b ? -1 : 1)));
      version = `config-${createHash('sha256').update(written).digest('hex').slice(0, 8)}`;
      this.#versions.set(rates, version);
    }
    return version;
  }
}
