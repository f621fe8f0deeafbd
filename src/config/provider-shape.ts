import type { Timeouts } from '../domain/deployment.js';
import type { ProviderConfig } from './config.js';
import { baseUrlFrom, keysFrom, missingForAddress, settingsFrom } from './provider-environment.js';
import type { ProviderSetting, ProviderType } from './provider-type.js';
import { emptyMap, isAbsent, pathTo, type Located, type LocatedMap } from './shape/located.js';
import { suggestion } from './shape/hint.js';
import type { Reading } from './shape/reading.js';
import { choice, credential, integerOrAuto, text, textOf } from './shape/scalar.js';
import {
  converted,
  defaulted,
  described,
  list,
  namedMap,
  object,
  objectSchema,
  readFields,
  record,
  type Fields,
  type FieldValues,
  type Shape,
} from './shape/shape.js';
import { baseUrl, duration, headerValue } from './shape/units.js';

/** The clocks of a call; one that is not given is taken from the level above. */
export function timeoutsShape(): Shape<Partial<Timeouts>> {
  return object({
    connect: described(duration(), 'To reach the provider. Default: 5s.'),
    firstToken: described(duration(), 'To the first event of a stream. Default: 5m.'),
    idle: described(duration(), 'Between two reads. Default: 2m.'),
    total: described(duration(), 'For the whole request, retries and fallbacks included. Default: 10m.'),
  });
}

/**
 * The `providers` of the config, in the order of the file. A key, base URL or setting that the file does not give
 * is looked for in the environment.
 */
export function providersShape(types: readonly ProviderType[]): Shape<readonly ProviderConfig[]> {
  const item: Shape<ProviderConfig> = {
    schema: { ...objectSchema(fieldsFor(types)), type: ['object', 'null'] },
    read: (value, reading, name) => readProvider({ types, name, reading }, value),
  };
  return converted(namedMap(item, 'providers'), (entries) => entries.map(([, provider]) => provider));
}

interface Naming {
  readonly types: readonly ProviderType[];
  readonly name: string;
  readonly reading: Reading;
}

function readProvider(naming: Naming, value: Located): ProviderConfig | undefined {
  const { types, name, reading } = naming;
  reading.providers.add(name);
  if (!/^[\x21-\x2e\x30-\x7e]+$/.test(name)) {
    return reading.refuse(value.place, 'the name of a provider is printable ASCII without spaces and slashes');
  }
  const map = isAbsent(value) ? emptyMap(value.place) : value;
  if (map.kind !== 'map') return reading.refuse(map.place, 'must be a map');
  const type = typeOf(naming, map);
  const given = readFields(fieldsFor(type === undefined ? types : [type]), map, reading);
  if (type === undefined || given === undefined) return undefined;
  const config = assembled(naming, type, given as GivenProvider);
  if (config.baseUrl !== undefined) return config;
  const fault = addressFault(type, config);
  if (fault === undefined) return config;
  return reading.refuse({ ...map.place, path: pathTo(map.place.path, 'baseUrl') }, fault);
}

/** What keeps a provider without a `baseUrl` from being found. */
function addressFault(type: ProviderType, { settings }: ProviderConfig): string | undefined {
  const missing = missingForAddress(type, settings);
  const variables = [...type.baseUrlEnv, ...missing.flatMap((name) => type.settings?.[name]?.env ?? [])];
  const unset = variables.length === 0 ? '' : `, and ${variables.join(', ')} is not set`;
  if (type.needsBaseUrl === true)
    return `"baseUrl" is missing: the type ${type.type} has no address of its own${unset}`;
  if (missing.length === 0) return undefined;
  const names = missing.map((name) => `"${name}"`).join(' and ');
  return `"baseUrl" is missing, and so is ${names}, of which the address of the type ${type.type} is made${unset}`;
}

function typeOf({ types, name, reading }: Naming, map: LocatedMap): ProviderType | undefined {
  const entry = map.entries.find((each) => each.name === 'type' && !isAbsent(each.value));
  const wanted = entry === undefined ? name : textOf(entry.value);
  const type = types.find((each) => each.type === wanted);
  if (type !== undefined || wanted === undefined) return type;
  const known = types.map((each) => each.type);
  if (entry !== undefined) {
    return reading.refuse(entry.value.place, `unknown provider type "${wanted}"${suggestion(wanted, known)}`);
  }
  return reading.refuse(map.place, `"${name}" is no type of provider, so it needs a "type"${suggestion(name, known)}`);
}

/** What the file gives goes before what the environment has; an empty pool of keys says that there shall be none. */
function assembled({ name, reading }: Naming, type: ProviderType, given: GivenProvider): ProviderConfig {
  const pool = given.apiKey === undefined && given.apiKeys === undefined ? keysFrom(type, reading) : [];
  const address = given.baseUrl ?? baseUrlFrom(type, reading);
  const settings = Object.keys(type.settings ?? {}).filter((key) => given[key] !== undefined);
  return {
    name,
    type: type.type,
    ...(address !== undefined && { baseUrl: address }),
    apiKeys: [...(given.apiKey === undefined ? [] : [given.apiKey]), ...(given.apiKeys ?? pool)],
    headers: given.headers,
    timeouts: given.timeouts,
    ...(given.concurrency !== undefined && { concurrency: given.concurrency }),
    quirks: given.quirks,
    settings: { ...settingsFrom(type, reading), ...Object.fromEntries(settings.map((key) => [key, given[key]])) },
  };
}

type GivenProvider = FieldValues<ReturnType<typeof commonFields>> & Readonly<Record<string, unknown>>;

/** The fields of a provider of one of these types: those that all take, and those of their own. */
function fieldsFor(types: readonly ProviderType[]): Fields {
  const own = types.flatMap(({ settings }) => Object.entries(settings ?? {}));
  const shapes = own.map(([name, { kind }]) => [name, settingShape(kind)] as const);
  return { ...commonFields(types), ...Object.fromEntries(shapes) };
}

function settingShape(kind: ProviderSetting['kind']): Shape<unknown> {
  switch (kind) {
    case 'map':
      return record(text(), 'names');
    case 'secret':
      return credential();
    case 'string':
      return text();
    default:
      return kind satisfies never;
  }
}

function commonFields(types: readonly ProviderType[]) {
  const quirks = [...new Set(types.flatMap((type) => type.quirks ?? []))];
  // The type itself is judged by typeOf, which knows the name of the provider too.
  const type = { ...text(), schema: { enum: types.map((each) => each.type) } };
  return {
    type: described(type, 'What kind of provider it is. Default: its name.'),
    baseUrl: described(baseUrl(), "Where it is, as the provider's own SDK takes it."),
    apiKey: described(credential(), "Default: the environment variable of the provider's own SDK."),
    apiKeys: described(list(credential(), 'keys'), 'A pool of keys, used in turn.'),
    headers: described(defaulted(record(header, 'HTTP headers'), {}), 'HTTP headers sent with every request.'),
    timeouts: described(defaulted(timeoutsShape(), {}), 'Where the model called has none.'),
    concurrency: described(integerOrAuto(), 'Calls at a time.'),
    quirks: described(
      defaulted(list(quirks.length === 0 ? text() : choice(quirks), 'quirks'), []),
      'Deviations of a server from the API it speaks.',
    ),
  };
}

const header: Shape<string> = {
  schema: headerValue().schema,
  read: (value, reading, name) =>
    /^[!#$%&'*+\-.^_`|~\w]+$/.test(name)
      ? headerValue().read(value, reading, name)
      : reading.refuse(value.place, `"${name}" is no name for an HTTP header`),
};
