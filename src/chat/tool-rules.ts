import { badType, emptyText } from './field-errors.js';

/** The shape of tools (OpenAI wire §1.4). Names and schemas are the upstream's to judge. */
export function checkTools(tools: unknown): void {
  if (!Array.isArray(tools)) throw badType('tools', 'an array of objects', tools);
  tools.forEach((tool: unknown, index) => {
    const path = `tools[${index}]`;
    const { type, function: fn } = asObject(tool, path);
    // Mistral takes tools without a type, and some clients of its own leave it out.
    if (type != null && typeof type !== 'string') throw badType(`${path}.type`, 'a string', type);
    if (type != null && type !== 'function') return;
    const { name, parameters } = asObject(fn, `${path}.function`);
    if (typeof name !== 'string') throw badType(`${path}.function.name`, 'a string', name);
    if (name === '') throw emptyText(`${path}.function.name`);
    if (parameters != null) asObject(parameters, `${path}.function.parameters`);
  });
}

function asObject(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badType(path, 'an object', value);
  return value as Readonly<Record<string, unknown>>;
}
