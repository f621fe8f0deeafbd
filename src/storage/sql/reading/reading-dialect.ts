import {
  type CompiledQuery,
  SqliteAdapter,
  SqliteDialect,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
} from 'kysely';
import { QueryProcesses, type ReadingTimes } from './query-processes.js';

/** SQLite as it is read from another process: no transactions, no writes, no cursors. */
export class ReadingDialect extends SqliteDialect {
  constructor(
    private readonly path: string,
    private readonly times?: ReadingTimes,
  ) {
    super({ database: () => Promise.reject(new Error('It is another process that opens it.')) });
  }

  override createDriver(): Driver {
    return new ReadingDriver(new QueryProcesses(this.path, this.times));
  }

  override createAdapter(): SqliteAdapter {
    return new SqliteAdapter();
  }
}

class ReadingDriver implements Driver {
  readonly #connection: ReadingConnection;

  constructor(private readonly processes: QueryProcesses) {
    this.#connection = new ReadingConnection(processes);
  }

  async init(): Promise<void> {
    // A process is started by the first question.
  }

  acquireConnection(): Promise<DatabaseConnection> {
    return Promise.resolve(this.#connection);
  }

  beginTransaction(): Promise<void> {
    return readOnly();
  }

  commitTransaction(): Promise<void> {
    return readOnly();
  }

  rollbackTransaction(): Promise<void> {
    return readOnly();
  }

  async releaseConnection(): Promise<void> {
    // All share it.
  }

  destroy(): Promise<void> {
    this.processes.close();
    return Promise.resolve();
  }
}

class ReadingConnection implements DatabaseConnection {
  constructor(private readonly processes: QueryProcesses) {}

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    return { rows: (await this.processes.ask({ sql, parameters })) as R[] };
  }

  streamQuery(): never {
    throw new Error('Pages are read, not streams.');
  }
}

const readOnly = (): Promise<never> => Promise.reject(new Error('This connection only reads.'));
