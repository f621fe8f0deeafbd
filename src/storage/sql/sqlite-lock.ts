import type { Database } from 'libsql';
import { setTimeout as pause } from 'node:timers/promises';

/** How long another process may write before we give up. */
const PATIENCE_MS = 15_000;
const PAUSE_MS = 5;

/**
 * Takes the write lock, waiting while somebody else writes. Done by `exec` and before any other statement: a
 * prepared statement of libsql that finds the file busy stays open, and no later transaction can commit.
 */
export async function begin(file: Database): Promise<void> {
  await whenFree(() => file.exec('BEGIN IMMEDIATE'));
}

/**
 * Writes in a transaction of its own, as soon as nobody else writes. From its beginning to its end there is no pause,
 * so that nobody else can use the connection in between.
 */
export async function writeAlone(file: Database, write: () => void): Promise<void> {
  await whenFree(() => {
    file.exec('BEGIN IMMEDIATE');
    try {
      write();
      file.exec('COMMIT');
    } catch (error) {
      // A disk that is full ends the transaction by itself.
      if (file.inTransaction) file.exec('ROLLBACK');
      throw error;
    }
  });
}

/** Tries until the file is free. The pauses are ours and not SQLite's, which would stop the whole process. */
export async function whenFree(run: () => unknown): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      run();
      return;
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
      await pause(PAUSE_MS);
    }
  }
}

function isBusy(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && String(error.code).startsWith('SQLITE_BUSY');
}
