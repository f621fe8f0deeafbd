import { spawn, type ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { setPriority } from 'node:os';

/** A statement and its parameters. */
export interface Question {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

type Answer = { readonly rows: readonly object[] } | { readonly error: string };

/** Being read to must not slow down those who are served: as `nice` counts. */
const POLITENESS = 10;

/**
 * A process that reads the embedded database, one question after the other. Not a thread: what SQLite is at can be
 * ended only with the process that it runs in, and a thread that is ended within native code takes all others along.
 */
export class QueryProcess {
  readonly #child: ChildProcess;
  #settle: ((outcome: Answer) => void) | undefined;

  /** `ended` is called once, when the process is gone, whyever. */
  constructor(path: string, ended: () => void) {
    const driver = createRequire(import.meta.url).resolve('libsql');
    // Not a file of its own: what is run is then the same, whether the sources have been compiled or not. It gets
    // nothing of our environment, where credentials are.
    const child = spawn(process.execPath, ['-e', `(${answerQuestions.toString()})(require, process)`, driver, path], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      env: {},
    });
    this.#child = child;
    const over = (why: string) => {
      this.#answer({ error: why });
      ended();
    };
    child.once('error', (error) => over(`The process that reads the database cannot be used: ${error.message}`));
    child.once('exit', (code, signal) => over(`The process that reads the database ended (${code ?? signal}).`));
    child.on('message', (answer: Answer) => this.#answer(answer));
    if (child.pid !== undefined) yieldTo(child.pid);
    this.#hold(false);
  }

  /** One at a time. */
  ask(question: Question): Promise<readonly object[]> {
    this.#hold(true);
    return new Promise((resolve, reject) => {
      this.#settle = (answer) => {
        if ('rows' in answer) resolve(answer.rows);
        else reject(new Error(answer.error));
      };
      // A failure to send is the end of the process, which answers.
      this.#child.send(question, () => undefined);
    });
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }

  #answer(answer: Answer): void {
    const settle = this.#settle;
    this.#settle = undefined;
    this.#hold(false);
    settle?.(answer);
  }

  /** Only a question that is open keeps our own process alive. */
  #hold(busy: boolean): void {
    const { channel } = this.#child;
    if (busy) {
      this.#child.ref();
      channel?.ref();
    } else {
      this.#child.unref();
      channel?.unref();
    }
  }
}

function yieldTo(pid: number): void {
  try {
    setPriority(pid, POLITENESS);
  } catch {
    // Not everywhere is it allowed, and it is but a courtesy.
  }
}

interface Reader {
  exec(sql: string): void;
  prepare(sql: string): { all(parameters: readonly unknown[]): readonly object[] };
}

/** What runs in the process. Only its text gets there, so it may use nothing but what it is given. */
function answerQuestions(load: NodeJS.Require, self: NodeJS.Process): void {
  const [, driver = '', path = ''] = self.argv;
  const Database = load(driver) as new (file: string) => Reader;
  const file = new Database(path);
  file.exec(
    'PRAGMA busy_timeout = 5000; PRAGMA query_only = ON; PRAGMA cache_size = -32000; PRAGMA temp_store = MEMORY',
  );
  self.on('disconnect', () => self.exit());
  self.on('message', ({ sql, parameters }: Question) => {
    try {
      self.send?.({ rows: file.prepare(sql).all(parameters) });
    } catch (error) {
      self.send?.({ error: error instanceof Error ? error.message : String(error) });
    }
  });
}
