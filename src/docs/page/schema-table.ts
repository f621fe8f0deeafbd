import type { Schema } from '../schemas/schema.js';
import { markup, NOTHING, prose, type Insert, type Markup } from './markup.js';

const DEEPEST = 3;
const PREFIX = '#/components/schemas/';

/** The members of an object as a table, those of objects inside it with dots in their names. */
export function memberTable(schema: Schema): Markup {
  const rows = memberRows(schema, '', 0);
  if (rows.length === 0) return NOTHING;
  return markup`<table><tr><th>Member</th><th>Type</th><th></th></tr>${rows}</table>`;
}

/** A schema in words: `list of Message or null`, with links to those that have a name. */
export function typeOf(schema: Schema): Insert {
  const { $ref, const: value, enum: values, type, items } = schema;
  if ($ref !== undefined) return schemaLink($ref.slice(PREFIX.length));
  if (value !== undefined) return markup`<code>${value}</code>`;
  if (values !== undefined) return listed(values.map((each) => markup`<code>${each}</code>`));
  const options = optionsOf(schema);
  if (options.length > 0) return listed(options.map(typeOf));
  if (type === 'array') return items === undefined ? 'list' : ['list of ', typeOf(items)];
  if (typeof type === 'object') return listed(type.map((each) => typeOf({ ...schema, type: each })));
  return type ?? 'anything';
}

function schemaLink(name: string): Markup {
  return markup`<a href="#schema-${name}">${name}</a>`;
}

/** The schemas of which one or all hold. */
export function optionsOf(schema: Schema): readonly Schema[] {
  return schema.anyOf ?? schema.oneOf ?? schema.allOf ?? [];
}

function memberRows(schema: Schema, path: string, depth: number): readonly Markup[] {
  if (depth === DEEPEST) return [];
  const { required = [], properties = {} } = schema;
  return Object.entries(properties).flatMap(([name, member]) => [
    memberRow(path + name, member, required.includes(name)),
    ...memberRows(member, `${path}${name}.`, depth + 1),
  ]);
}

function memberRow(name: string, member: Schema, required: boolean): Markup {
  const old = member.deprecated === true ? markup` class="old"` : NOTHING;
  const notes = [...(required ? ['Always there.'] : []), ...(old === NOTHING ? [] : ['Old.'])];
  const said = prose([...notes, member.description ?? ''].join(' ').trim());
  return markup`<tr><td><code${old}>${name}</code></td><td class="dim">${typeOf(member)}</td><td>${said}</td></tr>`;
}

function listed(parts: readonly Insert[]): Insert {
  return parts.flatMap((part, at) => (at === 0 ? [part] : [' or ', part]));
}
