export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

export const JSON_TYPES = ['null', 'boolean', 'integer', 'number', 'string', 'array', 'object'] as const;
export type JsonType = (typeof JSON_TYPES)[number];

/** The keywords of one schema object, as the client wrote them: any of them may be of a wrong type. */
export type Keywords = Readonly<Record<string, unknown>>;

/** The schema cannot be met, is no schema, or asks for more than the simulator is willing to write. */
export class UnsatisfiableSchemaError extends Error {
  override readonly name = 'UnsatisfiableSchemaError';
}

export function isObject(value: unknown): value is Keywords {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function numberOf(keywords: Keywords, key: string): number | undefined {
  const value = keywords[key];
  return typeof value === 'number' ? value : undefined;
}

export function listOf(keywords: Keywords, key: string): readonly unknown[] | undefined {
  const value = keywords[key];
  return Array.isArray(value) ? (value as readonly unknown[]) : undefined;
}

/** The schemas by name under a keyword such as `properties`; none where it is absent. */
export function schemasOf(keywords: Keywords, key: string): Keywords {
  const value = keywords[key];
  return isObject(value) ? value : {};
}

export function requiredNames(keywords: Keywords): readonly string[] {
  return (listOf(keywords, 'required') ?? []).filter((name) => typeof name === 'string');
}

export function typeOfValue(value: unknown): JsonType {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  switch (typeof value) {
    case 'boolean':
      return 'boolean';
    case 'number':
      return Number.isInteger(value) ? 'integer' : 'number';
    case 'object':
      return 'object';
    default:
      return 'string';
  }
}
