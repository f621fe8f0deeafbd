import type { ProviderType } from '../config/provider-type.js';
import { NAMED_QUIRKS } from '../protocols/openai-chat/index.js';
import type { CompatibleRow } from './compatible-row.js';
import { COMPATIBLE_ROWS } from './openai-compatible.js';

const string = (...env: readonly string[]) => ({ kind: 'string' as const, env });

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
  {
    type: 'anthropic',
    keyEnv: ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN'],
    baseUrlEnv: ['ANTHROPIC_BASE_URL'],
    settings: { anthropicVersion: string() },
  },
  {
    type: 'gemini',
    keyEnv: ['GEMINI_API_KEY', 'GOOGLE_API_KEY', 'GOOGLE_GENERATIVE_AI_API_KEY'],
    baseUrlEnv: ['GEMINI_BASE_URL', 'GOOGLE_GEMINI_BASE_URL'],
  },
  {
    // Credentials of Google Cloud lie around for many purposes: only a config that names it makes this a provider.
    type: 'vertex',
    keyEnv: [],
    baseUrlEnv: [],
    settings: {
      project: string('GOOGLE_CLOUD_PROJECT', 'GOOGLE_VERTEX_PROJECT'),
      location: string('GOOGLE_CLOUD_LOCATION', 'GOOGLE_VERTEX_LOCATION'),
      credentialsFile: string('GOOGLE_APPLICATION_CREDENTIALS'),
      apiVersion: string(),
      baseModel: string(),
    },
  },
  {
    // Keys of AWS lie around for many purposes: only one of Bedrock's own makes this a provider unasked.
    type: 'bedrock',
    keyEnv: ['AWS_BEARER_TOKEN_BEDROCK'],
    baseUrlEnv: ['AWS_ENDPOINT_URL_BEDROCK_RUNTIME', 'BEDROCK_BASE_URL'],
    addressSettings: ['region'],
    settings: {
      region: string('AWS_REGION', 'AWS_DEFAULT_REGION'),
      accessKeyId: string(),
      secretAccessKey: { kind: 'secret' },
      sessionToken: { kind: 'secret' },
      profile: string(),
      baseModel: string(),
    },
  },
  { type: 'simulator', keyEnv: [], baseUrlEnv: [], keyless: true },
];

/** Every kind of provider the config may name, in the order in which the environment is searched. */
export const PROVIDER_TYPES: readonly ProviderType[] = [...ADAPTED, ...COMPATIBLE_ROWS.map(typeOf)];

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
