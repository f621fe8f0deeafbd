/** Where a value stands, in the terms of whoever has to mend it. */
export interface Place {
  /** The config file as it was named, or `environment`. */
  readonly file: string;
  /** From 1; null for what comes from the environment. */
  readonly line: number | null;
  readonly column: number | null;
  /** As `models.gpt-4.targets[0].provider`, or the name of a variable. */
  readonly path: string;
}

/** A value of the config that knows where it stands. */
export type Located = LocatedScalar | LocatedMap | LocatedList | Unreadable;

export interface LocatedScalar {
  readonly kind: 'scalar';
  readonly place: Place;
  readonly value: string | number | boolean | null;
  /** The text holds a variable's value: it may stand for a number, and must not be repeated in a message. */
  readonly fromEnvironment: boolean;
}

export interface LocatedMap {
  readonly kind: 'map';
  readonly place: Place;
  readonly entries: readonly LocatedEntry[];
}

export interface LocatedEntry {
  readonly name: string;
  /** Of the key; the value has its own. */
  readonly place: Place;
  readonly value: Located;
}

export interface LocatedList {
  readonly kind: 'list';
  readonly place: Place;
  readonly items: readonly Located[];
}

/** Something whose fault has been told already: it is passed over without another word. */
export interface Unreadable {
  readonly kind: 'unreadable';
  readonly place: Place;
}

/** Is nothing there? `key:` without a value, or a variable that is empty. */
export function isAbsent(value: Located | undefined): boolean {
  return value === undefined || (value.kind === 'scalar' && value.value === null);
}

export function emptyMap(place: Place): LocatedMap {
  return { kind: 'map', place, entries: [] };
}

/** The value of an environment variable, to be read by the same shapes as the file. */
export function fromVariable(name: string, value: string): LocatedScalar {
  return { kind: 'scalar', place: variablePlace(name), value, fromEnvironment: true };
}

export function variablePlace(name: string): Place {
  return { file: 'environment', line: null, column: null, path: name };
}

/** `models` + `gpt-4.1` → `models["gpt-4.1"]`: a name with dots in it must not look like a path. */
export function pathTo(parent: string, name: string): string {
  if (!/^[\w$-]+$/.test(name)) return `${parent}[${JSON.stringify(name)}]`;
  return parent === '' ? name : `${parent}.${name}`;
}
