/** Environment variables, as `process.env` holds them. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Variable {
  readonly name: string;
  readonly value: string;
}

/** What a variable holds. An empty one counts as unset: that is how compose files pass on what nobody has set. */
export function valueOf(environment: Environment, name: string): string | undefined {
  // Own ones only: `process.env.constructor` is there, and no variable.
  const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
  return value === '' ? undefined : value;
}

/** The first of these variables that is set. */
export function firstSet(environment: Environment, names: readonly string[]): Variable | undefined {
  for (const name of names) {
    const value = valueOf(environment, name);
    if (value !== undefined) return { name, value };
  }
  return undefined;
}
