import type { UsageRecord } from '../../domain/usage.js';
import { UsageLog, type Backlog } from '../../usage/usage-log.js';
import { Outbox } from './outbox.js';
import { usageRow } from './postgres-usage-writer.js';
import { UsageShipper } from './usage-shipper.js';
import type { RowWriter } from './usage-writer.js';

/** At the end the next process can do the rest. */
const LAST_SHIPMENT_MS = 3_000;

/** With PostgreSQL a record is safe in the outbox, and shipped from there: by this process, or by the next one. */
export class ShippedUsageLog extends UsageLog {
  /** The last place of what an earlier process left; undefined: all of that is shipped. */
  #left: number | undefined;

  private constructor(
    private readonly outbox: Outbox,
    private readonly shipper: UsageShipper,
  ) {
    super();
    this.#left = outbox.lastPlace;
  }

  static async open(path: string, target: RowWriter): Promise<ShippedUsageLog> {
    const outbox = await Outbox.open(path);
    const shipper = new UsageShipper(outbox, target);
    shipper.wake(); // an earlier process may have left something
    return new ShippedUsageLog(outbox, shipper);
  }

  async append(records: readonly UsageRecord[]): Promise<void> {
    await this.outbox.append(records.map(usageRow));
    this.shipper.wake();
  }

  backlog(): Backlog {
    const { rows, oldest, refused } = this.outbox.state();
    return {
      records: rows,
      oldestMs: oldest === undefined ? 0 : Math.max(0, Date.now() - createdAt(oldest)),
      refused,
      failures: this.shipper.failures,
    };
  }

  override hasCaughtUp(): boolean {
    const [first] = this.#left === undefined ? [] : this.outbox.first(1);
    if (this.#left !== undefined && (first === undefined || first.seq > this.#left)) this.#left = undefined;
    return this.#left === undefined;
  }

  async close(): Promise<void> {
    await this.shipper.close(LAST_SHIPMENT_MS);
    this.outbox.close();
  }
}

const createdAt = (row: string): number => (JSON.parse(row) as { readonly created_at: number }).created_at;
