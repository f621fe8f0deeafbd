import { isObject, type Json } from '../json.js';

/** The next free index of each list that a stream's deltas make up. */
export type Lists = Readonly<Record<string, number>>;

export interface ListsStep {
  readonly lists: Lists;
  /** The fields themselves, or a copy with the indexes that were missing. */
  readonly fields: Json;
}

/** SDKs put lists of objects together by their `index` (OpenAI wire §2.6): where one has none, it is the next. */
export function stepLists(lists: Lists, fields: Json): ListsStep {
  let step: ListsStep = { lists, fields };
  for (const [field, value] of Object.entries(fields)) {
    if (!Array.isArray(value) || value.length === 0 || !value.every(isObject)) continue;
    let next = Object.hasOwn(step.lists, field) ? (step.lists[field] ?? 0) : 0;
    const items = value.map((item) => {
      const given = item['index'];
      const index = Number.isInteger(given) ? (given as number) : next;
      next = Math.max(next, index + 1);
      return index === given ? item : { ...item, index };
    });
    const same = items.every((item, at) => item === value[at]);
    step = {
      lists: { ...step.lists, [field]: next },
      fields: same ? step.fields : { ...step.fields, [field]: items },
    };
  }
  return step;
}
