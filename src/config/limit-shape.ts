import type { Team } from '../domain/limit.js';
import type { TokenRates } from '../domain/price.js';
import type { Located } from './shape/located.js';
import type { Reading } from './shape/reading.js';
import { choice, integer, number, text, textOf } from './shape/scalar.js';
import { converted, described, list, object, record, required, type Shape } from './shape/shape.js';

/** What keys, teams and models can be bounded by. */
export function limitFields() {
  return {
    rpm: described(integer(1), 'Requests a minute.'),
    tpm: described(integer(1), 'Tokens a minute.'),
    concurrency: described(integer(1), 'Requests at a time.'),
    budget: described(
      object({ usd: required(number(0)), per: required(choice(['day', 'week', 'month', 'total'])) }),
      'Dollars for a stretch of the UTC calendar.',
    ),
  };
}

export function teamsShape(): Shape<readonly Team[]> {
  const team = object({ name: described(required(text()), 'What keys name as their `owner`.'), ...limitFields() });
  const read = converted(team, ({ name, rpm = null, tpm = null, concurrency = null, budget = null }): Team => ({
    name,
    rpm,
    tpm,
    concurrency,
    budget,
  }));
  return withoutTwins(list(read, 'teams'), 'name');
}

const NANO = 1e9;

/** Written in dollars per million tokens. */
export function pricesShape(): Shape<Readonly<Record<string, TokenRates>>> {
  const rate = converted(number(0), (usd) => Math.round(usd * NANO));
  const rates = object({
    input: described(required(rate), 'Dollars for a million tokens of prompt.'),
    cachedInput: described(rate, 'Read from the prompt cache.'),
    cacheWrite: described(rate, 'Written to the prompt cache.'),
    cacheWrite1h: described(rate, 'The same, to be kept for an hour.'),
    audioInput: rate,
    imageInput: rate,
    output: described(required(rate), 'Dollars for a million tokens of answer.'),
    reasoning: rate,
    audioOutput: rate,
    imageOutput: rate,
  });
  return record(rates, 'prices by provider/model');
}

/** Refuses a second item with the same value in this field. */
export function withoutTwins<T>(shape: Shape<T>, field: string): Shape<T> {
  const check = (list: Located, reading: Reading) => {
    const seen = new Set<string>();
    for (const item of list.kind === 'list' ? list.items : []) {
      const written = item.kind === 'map' ? item.entries.find(({ name }) => name === field)?.value : undefined;
      const value = written && textOf(written)?.trim(); // as credentials are read
      if (written === undefined || value === undefined) continue;
      if (seen.has(value)) reading.refuse(written.place, `another one has this ${field} already`);
      seen.add(value);
    }
  };
  return {
    schema: shape.schema,
    read: (value, reading, name) => {
      check(value, reading);
      return shape.read(value, reading, name);
    },
  };
}
