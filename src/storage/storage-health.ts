import { Injectable } from '@nestjs/common';
import { SqlDatabase } from './sql/sql-database.js';

/** Is the database there? */
@Injectable()
export class StorageHealth {
  readonly name = 'database';

  constructor(private readonly database: SqlDatabase) {}

  /** Rejects when it does not answer within a second. */
  async check(): Promise<void> {
    await this.database.check();
  }
}
