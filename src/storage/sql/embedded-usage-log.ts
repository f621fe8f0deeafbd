import { Logger } from '@nestjs/common';
import { isNativeError } from 'node:util/types';
import type { UsageRecord } from '../../domain/usage.js';
import { UsageLog, type Backlog } from '../../usage/usage-log.js';
import { takenByHalves, type Taker } from './by-halves.js';
import type { SqliteUsageWriter } from './sqlite-usage-writer.js';

/** With the embedded database records are written at once where they are read. */
export class EmbeddedUsageLog extends UsageLog {
  readonly #log = new Logger('Storage');
  readonly #taker: Taker<UsageRecord>;

  constructor(private readonly writer: Pick<SqliteUsageWriter, 'write' | 'refuse' | 'refused'>) {
    super();
    this.#taker = {
      take: (records) => writer.write(records),
      isOwnFault,
      refuse: async (record, error) => {
        await writer.refuse(record, error);
        this.#log.error(`A usage record that the database refuses is put into usage_refused: ${String(error)}`);
      },
    };
  }

  append(records: readonly UsageRecord[]): Promise<void> {
    return takenByHalves(records, this.#taker);
  }

  backlog(): Backlog {
    return { records: 0, oldestMs: 0, refused: this.writer.refused(), failures: 0 };
  }
}

/** Of what SQLite says, all else is about the file or the disk: a lock, an I/O error, no space left. */
function isOwnFault(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('code' in error)) return error instanceof TypeError;
  return /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|RANGE)/.test(String(error.code)) || isBinding(error);
}

/** A value that is none to bind: libsql says so in words only. */
const isBinding = (error: object): boolean =>
  isNativeError(error) && /bind|invalid (parameter|value)/i.test(error.message);
