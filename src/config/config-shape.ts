import type { JsonSchema } from '../domain/chat.js';
import type { Hedge } from '../domain/deployment.js';
import { limitFields, pricesShape, teamsShape, withoutTwins } from './limit-shape.js';
import { providersShape, timeoutsShape } from './provider-shape.js';
import { DEFAULT_RETRIES, type ModelConfig, type StaticKeyConfig, type TargetConfig } from './config.js';
import type { ProviderType } from './provider-type.js';
import { emptyMap, variablePlace, type Located } from './shape/located.js';
import { Reading } from './shape/reading.js';
import { boolean, choice, credential, integer, integerOrAuto, number, text, textOf } from './shape/scalar.js';
import {
  anything,
  converted,
  defaulted,
  described,
  list,
  namedMap,
  object,
  record,
  required,
  type Fields,
  type FieldValues,
  type Shape,
} from './shape/shape.js';
import { addressBlock, age, duration, host, instant, origin, secretUrl, size } from './shape/units.js';

const STRATEGIES = ['priority', 'weighted', 'least-busy', 'latency', 'cost'] as const;
const MB = 1_024 ** 2;

/** What stands in the file, environment not yet counted in. */
export type FileConfig = FieldValues<ReturnType<typeof topFields>>;

/** The one description of the config file: it reads the file, finds its faults and makes `parley.schema.json`. */
export function configShape(types: readonly ProviderType[]): Shape<FileConfig> {
  return object(topFields(types));
}

/** `parley.schema.json`: JSON Schema draft 7, the one that editors know best. */
export function configSchema(types: readonly ProviderType[]): JsonSchema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'The configuration of Parley',
    ...configShape(types).schema,
  };
}

export const portShape = integer(0, 65_535);
export const databaseUrlShape = secretUrl(['postgres', 'postgresql']);
export const redisUrlShape = secretUrl(['redis', 'rediss']);

function topFields(types: readonly ProviderType[]) {
  return {
    $schema: described(text(), 'Where editors find this description.'),
    server: described(withDefaults(serverFields()), 'How Parley listens.'),
    database: described(
      defaulted(object({ url: described(databaseUrlShape, 'PostgreSQL.') }), {}),
      'Absent: an embedded database in dataDir.',
    ),
    redis: described(
      defaulted(object({ url: described(redisUrlShape, 'Redis or Valkey.') }), {}),
      'Absent: limits and breaker state are kept in the process.',
    ),
    dataDir: described(defaulted(text(), './data'), 'The folder of what is kept, from the working directory.'),
    providers: described(
      providersShape(types),
      'Who serves models, each under a name of your choosing. Absent: found from the environment.',
    ),
    models: described(
      defaulted(modelsShape(), [], {}),
      'Public names: what clients write in `model`. Each has at least one target.',
    ),
    keys: described(
      defaulted(keysShape(), []),
      'Keys of clients; they are usually made through the admin API instead.',
    ),
    teams: described(defaulted(teamsShape(), []), 'What the keys of one owner may use together.'),
    prices: described(defaulted(pricesShape(), {}), 'Prices that go before those of the catalogue, by provider/model.'),
    limits: described(
      withDefaults({
        cutOff: described(defaulted(boolean(), false), 'End a stream where a budget runs out in the middle of it.'),
      }),
      'How limits are kept.',
    ),
    usage: described(
      defaulted(
        withLastingSums(
          object({
            keepRequests: described(age(), 'How long the record of each request is kept. Absent: for ever.'),
            keepSums: described(age(), 'How long the sums by day are kept, no less than that. Absent: for ever.'),
          }),
        ),
        {},
      ),
      'What is kept of what was used.',
    ),
  };
}

function serverFields() {
  return {
    host: described(defaulted(host(), '127.0.0.1'), 'The address to listen on.'),
    port: described(defaulted(portShape, 4100), 'The port to listen on; 0 takes a free one.'),
    adminPort: described(portShape, 'A port of their own for /metrics, /docs and /admin.'),
    bodyLimit: described(defaulted(size(1_024, 512 * MB), 32 * MB, '32mb'), 'The largest request body.'),
    workers: described(defaulted(integerOrAuto(), 1), 'Processes; auto: one a core.'),
    drainTimeout: described(defaulted(duration(0), 30_000, '30s'), 'How long open streams may go on at the end.'),
    earlyHeaders: described(
      defaulted(boolean(), false),
      'Open a stream before the provider has answered, so that keep-alive comments fill the wait.',
    ),
    cors: described(
      withDefaults({ origins: described(defaulted(list(origin(), 'origins'), []), 'Web sites; * stands for all.') }),
      'Which web sites may call the API from a browser.',
    ),
  };
}

function modelsShape(): Shape<readonly ModelConfig[]> {
  const fields = object({
    targets: described(
      required(list(targetShape(), 'targets', 1)),
      'Where the model can be called, the first choice first.',
    ),
    strategy: described(defaulted(choice(STRATEGIES), 'priority'), 'How a target is chosen.'),
    retries: described(defaulted(integer(0, 10), DEFAULT_RETRIES), 'Further attempts at one target.'),
    fallbacks: described(fallbackNames(), 'Models to ask when all targets fail.'),
    contextWindowFallbacks: described(fallbackNames(), 'Models to ask when the prompt is too long for this one.'),
    contentPolicyFallbacks: described(fallbackNames(), 'Models to ask when a content policy refuses the prompt.'),
    timeouts: described(defaulted(timeoutsShape(), {}), 'Longest waits.'),
    hedge: described(hedgeShape(), 'Start a second target where the first is late with its first token.'),
    defaults: described(defaulted(defaultsShape, {}), 'Request fields used where the client says nothing.'),
    ...limitFields(),
  });
  const named = converted(fields, (model, name): ModelConfig => ({ name, ...model }));
  const model: Shape<ModelConfig> = {
    schema: named.schema,
    read: (value, reading, name) => {
      refuseItself(value, reading, name);
      return named.read(value, reading, name);
    },
  };
  return converted(namedMap(model, 'models'), (entries) => entries.map(([, model]) => model));
}

function hedgeShape(): Shape<Hedge> {
  return object({
    maxShare: described(defaulted(number(0, 1), 0.05), 'Of the streams of the model, the share that may be hedged.'),
    maxUsdPerHour: described(number(0), 'What hedges may cost in an hour, by estimate.'),
  });
}

const FALLBACK_LISTS = ['fallbacks', 'contextWindowFallbacks', 'contentPolicyFallbacks'];

function refuseItself(model: Located, reading: Reading, name: string): void {
  const lists = model.kind === 'map' ? model.entries.filter((entry) => FALLBACK_LISTS.includes(entry.name)) : [];
  const items = lists.flatMap(({ value }) => (value.kind === 'list' ? value.items : []));
  for (const item of items) {
    if (textOf(item) === name) reading.refuse(item.place, 'a model cannot be its own fallback');
  }
}

function targetShape(): Shape<TargetConfig> {
  return object({
    provider: described(required(providerName), 'A name under providers.'),
    model: described(required(text()), 'What the provider calls the model.'),
    weight: described(defaulted(number(0), 1), 'Share of the requests, for the strategy `weighted`.'),
    baseModel: described(text(), 'The model whose rules hold, where `model` is a name of your own.'),
  });
}

const providerName: Shape<string> = {
  schema: text().schema,
  read: (value, reading, name) => {
    const provider = text('the name of a provider').read(value, reading, name);
    if (provider !== undefined) reading.mentionProvider(provider, value.place);
    return provider;
  },
};

function fallbackNames() {
  return defaulted(list(text('the name of a model'), 'model names'), []);
}

/** These are the request; a client that leaves them out has made a mistake that a default would hide. */
const NO_DEFAULTS = ['model', 'messages', 'stream'];

const defaultsShape: Shape<Readonly<Record<string, unknown>>> = record(
  {
    schema: {},
    read: (value, reading, name) =>
      NO_DEFAULTS.includes(name)
        ? reading.refuse(value.place, `"${name}" has no default: it is for the client to say`)
        : anything().read(value, reading, name),
  },
  'request fields',
);

function keysShape(): Shape<readonly StaticKeyConfig[]> {
  const globs = described(
    list(text(), 'model names'),
    'Model names it may use, * for any run of characters. Absent: all.',
  );
  const key = object({
    name: described(required(text()), 'What the usage records call it.'),
    key: described(required(credential()), 'What the client sends.'),
    owner: text(),
    tags: defaulted(list(text(), 'tags'), []),
    models: defaulted(globs as Shape<readonly string[] | null>, null),
    allowedIps: defaulted(list(addressBlock(), 'addresses') as Shape<readonly string[] | null>, null),
    ...limitFields(),
    expiresAt: described(instant(), 'An ISO date or time.'),
  });
  // Of two keys with one secret only the last would be known, and all usage be its.
  return withoutTwins(withoutTwins(list(key, 'keys'), 'name'), 'key');
}

/** Sums that go before their requests would tell of less than there is, and owners are found by them. */
function withLastingSums<T extends { readonly keepRequests?: number; readonly keepSums?: number }>(
  shape: Shape<T>,
): Shape<T> {
  return {
    schema: shape.schema,
    read: (value, reading, name) => {
      const kept = shape.read(value, reading, name);
      if (kept?.keepSums !== undefined && kept.keepSums < (kept.keepRequests ?? Infinity))
        reading.refuse(
          value.place,
          'keepSums must not be shorter than keepRequests, which is for ever where it is absent',
        );
      return kept;
    },
  };
}

/** A map that is there even when nobody writes it, with what its fields have when nobody gives them. */
function withDefaults<F extends Fields>(fields: F) {
  const shape = object(fields);
  const place = variablePlace('');
  const fallback = shape.read(emptyMap(place), new Reading({}), '');
  if (fallback === undefined) throw new Error('A field of a map with defaults has none.');
  return { ...shape, fallback };
}
