import type { Secret } from '../domain/secret.js';
import type { ProviderConfig } from './config.js';
import type { ProviderType } from './provider-type.js';
import { fromVariable } from './shape/located.js';
import type { Reading } from './shape/reading.js';
import { credential } from './shape/scalar.js';
import type { Shape } from './shape/shape.js';
import { baseUrl } from './shape/units.js';

/** The providers that the environment has a key for or, where none is needed, an address; in the order of the types. */
export function discoverProviders(types: readonly ProviderType[], reading: Reading): readonly ProviderConfig[] {
  const found = types.filter((type) => isFound(type, reading));
  for (const { type } of found) reading.providers.add(type);
  return found.map((type) => {
    const address = baseUrlFrom(type, reading);
    return {
      name: type.type,
      type: type.type,
      ...(address !== undefined && { baseUrl: address }),
      apiKeys: keysFrom(type, reading),
      headers: {},
      timeouts: {},
      quirks: [],
      settings: settingsFrom(type, reading),
    };
  });
}

function isFound(type: ProviderType, reading: Reading): boolean {
  const { keyEnv, baseUrlEnv, keyless, needsBaseUrl } = type;
  const hasAddress = reading.variable(baseUrlEnv) !== undefined;
  if (!hasAddress && (needsBaseUrl === true || missingForAddress(type, settingsFrom(type, reading)).length > 0))
    return false;
  return reading.variable(keyEnv) !== undefined || (keyless === true && hasAddress);
}

/** The settings that the type's own address is made of and that nobody has given. */
export function missingForAddress(
  { addressSettings = [] }: ProviderType,
  settings: Readonly<Record<string, unknown>>,
): readonly string[] {
  return addressSettings.filter((name) => settings[name] === undefined);
}

/** The key that the environment has for this type: one, or none. */
export function keysFrom(type: ProviderType, reading: Reading): readonly Secret[] {
  const key = readVariable(type.keyEnv, credential(), reading);
  return key === undefined ? [] : [key];
}

export function baseUrlFrom(type: ProviderType, reading: Reading): string | undefined {
  return readVariable(type.baseUrlEnv, baseUrl(), reading);
}

/** Only settings that are one text can be in a variable. */
export function settingsFrom(type: ProviderType, reading: Reading): Readonly<Record<string, string>> {
  const settings = Object.entries(type.settings ?? {}).flatMap(([name, { env }]) => {
    const variable = env === undefined ? undefined : reading.variable([env].flat());
    return variable === undefined ? [] : [[name, variable.value.trim()] as const];
  });
  return Object.fromEntries(settings);
}

/** The first of these variables that is set, read as the file would be. */
export function readVariable<T>(names: readonly string[], shape: Shape<T>, reading: Reading): T | undefined {
  const variable = reading.variable(names);
  return variable && shape.read(fromVariable(variable.name, variable.value), reading, variable.name);
}
