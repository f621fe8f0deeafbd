import type { ProviderType } from '../config/provider-type.js';
import { NAMED_QUIRKS } from '../protocols/openai-chat/index.js';
import { rulesFor } from '../protocols/openai-chat/quirks.js';
import type { CompatibleRow } from './compatible-row.js';
import { COMPATIBLE_ROWS } from './openai-compatible.js';
import { OPENAI_QUIRKS } from './openai-quirks.js';

const string = (env?: string) => ({ kind: 'string' as const, ...(env !== undefined && { env }) });

/** Providers with an adapter of their own. */
const ADAPTED: readonly ProviderType[] = [
  {
    type: 'openai',
    keyEnv: ['OPENAI_API_KEY'],
    baseUrlEnv: ['OPENAI_BASE_URL', 'OPENAI_API_BASE'],
    settings: { organization: string('OPENAI_ORG_ID'), project: string('OPENAI_PROJECT_ID') },
  },
  {
    type: 'azure-openai',
    keyEnv: ['AZURE_OPENAI_API_KEY', 'AZURE_API_KEY'],
    baseUrlEnv: ['AZURE_OPENAI_ENDPOINT', 'AZURE_OPENAI_BASE_URL'],
    addressSettings: ['resourceName'],
    settings: {
      resourceName: string('AZURE_RESOURCE_NAME'),
      apiVersion: string('OPENAI_API_VERSION'),
      deployments: { kind: 'map' },
      baseModel: string(),
    },
  },
  { type: 'simulator', keyEnv: [], baseUrlEnv: [], keyless: true },
];

/** Every kind of provider the config may name, in the order in which the environment is searched. */
export const PROVIDER_TYPES: readonly ProviderType[] = [...ADAPTED, ...COMPATIBLE_ROWS.map(typeOf)];

const ROW_QUIRKS = new Map(COMPATIBLE_ROWS.map(({ type, quirks }) => [type, quirks]));

/** Request fields that this type of provider does not honour for a model: they are dropped, or refused. */
export function refusedFields(type: string, baseModel: string): readonly string[] {
  const quirks = type === 'openai' || type === 'azure-openai' ? OPENAI_QUIRKS : ROW_QUIRKS.get(type);
  if (quirks === undefined) return [];
  const { refuses = [], lacks = [] } = rulesFor(quirks, baseModel);
  return [...refuses, ...lacks, ...(lacks.includes('logprobs') ? ['top_logprobs'] : [])];
}

function typeOf({ type, baseUrl, keyless = false, settings, ...row }: CompatibleRow): ProviderType {
  const prefix = type.replaceAll('-', '_').toUpperCase();
  return {
    type,
    keyless,
    keyEnv: row.keyEnv ?? [`${prefix}_API_KEY`],
    baseUrlEnv: row.baseUrlEnv ?? [`${prefix}_BASE_URL`],
    needsBaseUrl: baseUrl === null,
    addressSettings: [...(baseUrl ?? '').matchAll(/\{(\w+)\}/g)].flatMap(([, setting]) => setting ?? []),
    quirks: Object.keys(NAMED_QUIRKS),
    ...(settings && { settings }),
  };
}
