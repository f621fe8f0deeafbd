/** A JSON Schema (draft 2020-12), as OpenAPI 3.1 uses it. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: string;
  readonly enum?: readonly string[];
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly properties?: Schemas;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly deprecated?: boolean;
  readonly description?: string;
  readonly [keyword: string]: unknown;
}

export type Schemas = Readonly<Record<string, Schema>>;

export const text = (description?: string): Schema => described({ type: 'string' }, description);
export const integer = (description?: string): Schema => described({ type: 'integer' }, description);
export const number = (description?: string): Schema => described({ type: 'number' }, description);
export const flag = (description?: string): Schema => described({ type: 'boolean' }, description);
export const only = (value: string): Schema => ({ type: 'string', const: value });
export const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
export const listOf = (items: Schema, description?: string): Schema => described({ type: 'array', items }, description);
export const either = (options: readonly Schema[], description?: string): Schema =>
  described({ anyOf: options }, description);
export const anyObject = (description?: string): Schema => described({ type: 'object' }, description);

export const choice = (values: readonly string[], description?: string): Schema =>
  described({ type: 'string', enum: values }, description);

export const mapOf = (values: Schema, description?: string): Schema =>
  described({ type: 'object', additionalProperties: values }, description);

export const between = (schema: Schema, minimum: number, maximum: number): Schema => ({ ...schema, minimum, maximum });
export const atLeast = (schema: Schema, minimum: number): Schema => ({ ...schema, minimum });

/** The same or null. What is said of it stays where readers and tools look for it. */
export function nullable({ description, deprecated, ...schema }: Schema): Schema {
  const { type } = schema;
  const plain = typeof type === 'string' && !('enum' in schema) && !('const' in schema);
  const both = plain ? { ...schema, type: [type, 'null'] } : { anyOf: [schema, { type: 'null' }] };
  return described({ ...both, ...(deprecated === true && { deprecated }) }, description);
}

/** An object with members that are always there and members that may be absent. Others are allowed: the contract is open. */
export function object(required: Schemas, optional: Schemas = {}, description?: string): Schema {
  const names = Object.keys(required);
  return described(
    { type: 'object', ...(names.length > 0 && { required: names }), properties: { ...required, ...optional } },
    description,
  );
}

/** An object whose optional members may also be null, which means the same as leaving them out. */
export function request(required: Schemas, optional: Schemas = {}, description?: string): Schema {
  const nulls = Object.entries(optional).map(([name, schema]) => [name, nullable(schema)] as const);
  return object(required, Object.fromEntries(nulls), description);
}

/** A moment, as RFC 3339 has it. */
export const time = (description?: string): Schema => ({ ...text(description), format: 'date-time' });

/** A page of a list. */
export function page(item: string): Schema {
  return object({
    object: only('list'),
    data: listOf(ref(item)),
    has_more: flag(),
    next_cursor: nullable(text('What to send as `cursor` to go on.')),
  });
}

function described(schema: Schema, description: string | undefined): Schema {
  return description === undefined ? schema : { ...schema, description };
}
