import type { ModelCard } from './model-card.js';
import type { Sold } from './price-book.js';

/** A model name that clients can write, and what is known of the model behind it. */
export interface ServedModel {
  /** What clients write in `model`. */
  readonly id: string;
  readonly ownedBy: string;
  /** Unix seconds. */
  readonly created: number;
  /** Absent: the catalogue does not know the model. */
  readonly card?: ModelCard;
  /** What it is sold as: its price may be another one than the catalogue's. */
  readonly sold?: Sold;
}
