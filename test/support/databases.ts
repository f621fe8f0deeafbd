import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { Secret } from '../../src/domain/secret.js';
import { openPostgres } from '../../src/storage/sql/postgres.js';
import type { SqlDatabase } from '../../src/storage/sql/sql-database.js';
import { openSqlite } from '../../src/storage/sql/sqlite.js';

/** A database nobody else uses; `open` may be called several times. */
export interface Bench {
  readonly open: () => Promise<SqlDatabase>;
  readonly remove: () => Promise<void>;
  /** It has one connection in all, so two cannot be open at once. */
  readonly single?: boolean;
  /** Where it is, if that is a server for all. */
  readonly url?: string;
}

const REAL = process.env['PARLEY_TEST_POSTGRES_URL'];
/** Every kind of database; undefined: this machine has none to test with. */
export const BENCHES: readonly (readonly [string, (() => Promise<Bench>) | undefined])[] = [
  ['SQLite', sqliteBench],
  ['PostgreSQL in the process (PGlite)', pgliteBench],
  REAL === undefined
    ? ['PostgreSQL: skipped, because PARLEY_TEST_POSTGRES_URL names no server', undefined]
    : ['PostgreSQL', () => postgresBench(REAL)],
];

export async function sqliteBench(): Promise<Bench & { readonly folder: string }> {
  const parent = await mkdtemp(join(tmpdir(), 'parley-storage-'));
  const folder = join(parent, 'data');
  return {
    folder,
    open: () => openSqlite(join(folder, 'parley.db')),
    remove: () => rm(parent, { recursive: true, force: true }),
  };
}

async function pgliteBench(): Promise<Bench> {
  const engine = await PGlite.create();
  const server = new PGLiteSocketServer({ db: engine, port: 0, host: '127.0.0.1' });
  await server.start();
  return {
    single: true,
    open: () => openPostgres(new Secret(`postgres://postgres@${server.getServerConn()}/postgres`), { max: 1 }),
    remove: async () => {
      await server.stop();
      await engine.close();
    },
  };
}

/** A database of its own beside the one the URL names, so that nothing there is touched. */
async function postgresBench(url: string): Promise<Bench> {
  const name = `parley_test_${String(process.pid)}_${String(Date.now())}`;
  const own = new URL(url);
  own.pathname = `/${name}`;
  const administer = async (statement: string): Promise<void> => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(statement);
    await client.end();
  };
  await administer(`create database ${name}`);
  return {
    url: own.href,
    open: () => openPostgres(new Secret(own.href)),
    remove: () => administer(`drop database ${name} with (force)`),
  };
}
