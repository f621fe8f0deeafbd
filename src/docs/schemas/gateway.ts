import {
  choice,
  either,
  flag,
  integer,
  listOf,
  mapOf,
  nullable,
  number,
  object,
  only,
  page,
  ref,
  text,
  time,
  type Schemas,
} from './schema.js';
import { keySchemas } from './keys.js';
import { CAPABILITIES } from '../../catalog/model-card.js';

const USD = number('US dollars.');
const SUMS: Schemas = {
  requests: integer(),
  prompt_tokens: integer(),
  completion_tokens: integer(),
  cached_tokens: integer(),
  cost_usd: USD,
};

const MEASURED: Schemas = {
  outcome: choice(['completed', 'failed', 'abandoned', 'refused']),
  status: nullable(integer()),
  error_code: nullable(text()),
  usage: nullable(ref('TokenCounts')),
  usage_source: choice(['provider', 'counted', 'estimated', 'none']),
  cost_nano_usd: nullable(integer('Billionths of a US dollar. Null: the price is not known.')),
  latency_ms: number(),
};

/** What the gateway itself has to show: models, usage, keys, teams, requests, health. */
export const gatewaySchemas: Schemas = {
  Model: object({
    id: text('What to write in `model`.'),
    object: only('model'),
    created: integer('Unix seconds.'),
    owned_by: text(),
    context_window: nullable(integer('Tokens.')),
    max_output_tokens: nullable(integer()),
    capabilities: listOf(choice(CAPABILITIES), 'As far as known.'),
    supported_parameters: listOf({ type: 'string' }),
    pricing: object(
      {
        input_usd_per_mtok: nullable(number()),
        cached_input_usd_per_mtok: nullable(number()),
        output_usd_per_mtok: nullable(number()),
      },
      {},
      'US dollars for a million tokens. Null: not known.',
    ),
  }),
  ModelList: object({ object: only('list'), data: listOf(ref('Model')) }),
  AnthropicModel: object({ type: only('model'), id: text(), display_name: text(), created_at: time() }),
  AnthropicModelList: object({
    data: listOf(ref('AnthropicModel')),
    has_more: flag(),
    first_id: nullable(text()),
    last_id: nullable(text()),
  }),
  OwnUsage: object({
    object: only('usage'),
    key: object({ name: text(), models: nullable(listOf({ type: 'string' })), expires_at: nullable(time()) }),
    limits: object({
      rpm: ref('LimitState'),
      tpm: ref('LimitState'),
      concurrency: object({ limit: nullable(integer()), in_use: integer() }),
    }),
    budget: nullable(object({ ...budget(), spent_usd: USD, resets_at: nullable(time('Null: it never does.')) })),
    total: object({ ...SUMS, unpriced_requests: integer('Requests whose price is not known.') }),
    data: listOf(object({ day: { ...text('UTC.'), format: 'date' }, model: text(), ...SUMS })),
  }),
  LimitState: object({
    limit: nullable(integer()),
    remaining: nullable(integer()),
    reset: nullable(text('As `6m0s`.')),
  }),
  Budget: object(budget()),
  ...keySchemas,
  RequestRecord: object({
    request_id: text(),
    created_at: time(),
    key_id: nullable(text()),
    owner: nullable(text('Who the key belonged to then.')),
    model: text('What the client wrote.'),
    provider: nullable(text()),
    upstream_model: nullable(text('The id that was sent.')),
    stream: flag(),
    ...MEASURED,
    price_version: nullable(text()),
    time_to_first_token_ms: nullable(number()),
    tags: listOf({ type: 'string' }),
    attempts: listOf(ref('AttemptRecord')),
  }),
  AttemptRecord: object(
    {
      provider: text(),
      model: text(),
      ...MEASURED,
      service_tier: nullable(text('As which the provider billed it, where it said so.')),
      price_version: nullable(text()),
      started_at: time(),
    },
    {},
    'One call to a provider.',
  ),
  RequestRecordList: page('RequestRecord'),
  UsageGroup: object(
    {
      ...SUMS,
      cache_write_tokens: integer(),
      reasoning_tokens: integer(),
      audio_tokens: integer(),
      cost_nano_usd: either([integer(), text()], 'Billionths of a US dollar; beyond 2^53 as a string of digits.'),
      unpriced_requests: integer('Requests whose price is not known. They are not in the cost.'),
      estimated_requests: integer('Requests whose tokens are a guess, in whole or in part.'),
    },
    {
      key_id: nullable(text()),
      owner: nullable(text()),
      model: text(),
      provider: nullable(text()),
      day: { ...text('UTC.'), format: 'date' },
      tag: nullable(text('Null: without tags.')),
    },
    'Sums, and before them what they are grouped by.',
  ),
  UsageGroupList: page('UsageGroup'),
  Provider: object({
    name: text('As in the configuration.'),
    type: text(),
    base_url: nullable(text('Without credentials. Null: it is called nowhere.')),
    status: choice(
      ['up', 'degraded', 'down', 'unknown'],
      'Down: all credentials are shelved for all models, or all breakers open. Degraded: a credential is shelved, a breaker is not closed, or more than a tenth of the latest calls to a model failed. Unknown: no call has told anything yet.',
    ),
    models: integer('How many of its models are offered.'),
    credentials: listOf(
      object({
        id: text('The end of the key.'),
        status: choice(['active', 'shelved']),
        until: nullable(time('When a shelved one is used again.')),
        models: nullable(listOf(text(), 'For which models alone it is shelved. Null: for all, or for none.')),
      }),
    ),
    targets: listOf(ref('ProviderTarget'), 'At most 200.'),
  }),
  ProviderTarget: object({
    model: text('What the provider calls it.'),
    breaker: choice(['closed', 'open', 'half-open']),
    in_flight: integer('Calls begun and not ended.'),
    queued: integer('Calls that wait for their turn, here or wherever the provider’s concurrency is shared.'),
    concurrency_limit: nullable(integer('Calls at a time. Null: no limit.')),
    ttft_ms: object({ p50: nullable(number()), p95: nullable(number()) }, {}, 'To the first token, of late.'),
    error_rate: nullable(number('The share of failures among the latest calls, 0 to 1. Null: there were none.')),
  }),
  ProviderList: page('Provider'),
  TokenCounts: object({
    prompt_tokens: integer(),
    completion_tokens: integer(),
    cached_tokens: integer(),
    cache_write_tokens: integer(),
    reasoning_tokens: integer(),
    audio_tokens: integer(),
  }),
  Alive: object({ status: only('ok') }),
  Ready: object({
    status: choice(['ok', 'degraded', 'starting', 'draining']),
    checks: mapOf(object({ status: choice(['up', 'down']) }), 'By dependency.'),
    config_version: integer('Counts the configurations since the start.'),
    draining: flag(),
  }),
};

function budget(): Schemas {
  return {
    usd: { ...USD, exclusiveMinimum: 0 },
    per: choice(['day', 'week', 'month', 'total'], 'By the UTC calendar.'),
  };
}
