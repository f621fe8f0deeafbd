import { Injectable } from '@nestjs/common';
import type { Deployment } from '../domain/deployment.js';
import type { ModelPrice } from '../domain/price.js';
import { ModelCatalog } from './model-catalog.js';

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
}

/** What models cost. */
@Injectable()
export class PriceBook {
  constructor(private readonly catalog: ModelCatalog) {}

  /** Undefined: not known. */
  find(
    { endpoint, baseModel }: Pick<Deployment, 'endpoint' | 'baseModel' | 'provider' | 'model'>,
    { at }: Sale,
  ): ListedPrice | undefined {
    const price = this.catalog.price(endpoint.type, baseModel, at);
    return price && { price, version: this.catalog.version };
  }
}
