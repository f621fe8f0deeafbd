import type { ConfigProblem } from './shape/reading.js';

export type { ConfigProblem } from './shape/reading.js';

/** A config that cannot be used, and all that is wrong with it. The message has one line a problem. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly ConfigProblem[]) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    super(`The configuration has ${count}:\n${problems.map((problem) => `  ${sentence(problem)}`).join('\n')}`);
  }

  override get name(): string {
    return 'ConfigError';
  }
}

/** `parley.yaml:3:5 server.port: must be …`: the form in which editors and terminals find the place. */
function sentence({ file, line, column, path, message }: ConfigProblem): string {
  const place = line === null ? file : `${file}:${line}:${column ?? 1}`;
  return path === '' ? `${place}: ${message}` : `${place} ${path}: ${message}`;
}
