import type { Database, Statement } from 'libsql';

type Value = string | number | null;

/** Of more patterns than this the later ones share one statement. */
const MOST_STATEMENTS = 48;
/** What two numbers of 26 bits hold in one that is exact. */
const SHIFT = 2 ** 26;

/**
 * An INSERT that stays prepared. To bind a value costs libsql more than to store it, and most are null or zero: those
 * are written into the statement, so that there is one for each pattern of them. For up to 26 columns.
 */
export class SparseInsert {
  readonly #statements = new Map<number, Statement>();

  constructor(
    private readonly file: Database,
    private readonly table: string,
    private readonly columns: readonly string[],
    private readonly onConflict = 'DO NOTHING',
  ) {}

  run(values: readonly Value[]): { readonly changes: number; readonly lastInsertRowid: number | bigint } {
    let nulls = 0;
    let zeros = 0;
    const bound: Value[] = [];
    for (let at = 0; at < values.length; at += 1) {
      const value = values[at];
      if (value === null || value === undefined) nulls |= 1 << at;
      else if (value === 0) zeros |= 1 << at;
      else bound.push(value);
    }
    const statement = this.#statements.get(nulls * SHIFT + zeros) ?? this.#prepare(nulls, zeros);
    return statement === undefined ? this.#general().run(values) : statement.run(bound);
  }

  #prepare(nulls: number, zeros: number): Statement | undefined {
    if (this.#statements.size >= MOST_STATEMENTS) return undefined;
    const places = this.columns.map((_, at) => ((nulls >> at) & 1 ? 'NULL' : (zeros >> at) & 1 ? '0' : '?'));
    return this.#keep(nulls * SHIFT + zeros, places);
  }

  /** Its key is no pattern: nothing is null and zero at once. */
  #general(): Statement {
    return (
      this.#statements.get(-1) ??
      this.#keep(
        -1,
        this.columns.map(() => '?'),
      )
    );
  }

  #keep(key: number, places: readonly string[]): Statement {
    const statement = this.file.prepare(
      `INSERT INTO ${this.table} (${this.columns.join(', ')}) VALUES (${places.join(', ')}) ON CONFLICT ${this.onConflict}`,
    );
    this.#statements.set(key, statement);
    return statement;
  }
}
