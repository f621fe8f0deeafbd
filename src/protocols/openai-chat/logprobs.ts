import { isObject, type Json } from '../json.js';

/** Log probabilities with all the keys the contract has (OpenAI wire §2.4); the object itself where it has them. */
export function rightLogprobs(wire: unknown): unknown {
  if (!isObject(wire)) return wire;
  return completed(wire, { content: tokens(wire['content']), refusal: tokens(wire['refusal']) });
}

function tokens(list: unknown): unknown {
  return mapped(list ?? null, (token) =>
    completed(token, { bytes: token['bytes'] ?? null, top_logprobs: mapped(token['top_logprobs'] ?? [], alternative) }),
  );
}

const alternative = (token: Json): Json => completed(token, { bytes: token['bytes'] ?? null });

/** The object with these members; itself where it has just them. */
function completed(wire: Json, members: Json): Json {
  return Object.entries(members).every(([key, value]) => wire[key] === value) ? wire : { ...wire, ...members };
}

/** The list with its objects changed; itself where none was, or where it is no list. */
function mapped(list: unknown, change: (item: Json) => Json): unknown {
  if (!Array.isArray(list)) return list;
  const items: readonly unknown[] = list;
  const changed = items.map((item) => (isObject(item) ? change(item) : item));
  return changed.every((item, index) => item === items[index]) ? list : changed;
}
