import {
  anyObject,
  choice,
  flag,
  integer,
  listOf,
  mapOf,
  nullable,
  number,
  object,
  only,
  ref,
  request,
  text,
  type Schema,
  type Schemas,
} from './schema.js';
import { CAPABILITIES } from '../../catalog/model-card.js';

const USD = number('US dollars.');
const LIMIT = (description: string): Schema => nullable({ ...integer(description), minimum: 1 });
const TIME = (description?: string): Schema => ({ ...text(description), format: 'date-time' });

const SUMS: Schemas = {
  requests: integer(),
  prompt_tokens: integer(),
  completion_tokens: integer(),
  cached_tokens: integer(),
  cost_usd: USD,
};

const KEY_TERMS: Schemas = {
  owner: text(),
  tags: listOf({ type: 'string' }),
  models: listOf({ type: 'string' }, 'Globs of the model names the key may use. Null: all.'),
  allowed_ips: listOf({ type: 'string' }, 'Addresses and networks it may come from. Null: any.'),
  rpm: LIMIT('Requests in 60 seconds.'),
  tpm: LIMIT('Tokens in 60 seconds.'),
  concurrency: LIMIT('Requests at once.'),
  budget: ref('Budget'),
  expires_at: TIME(),
  disabled: flag(),
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

/** What the gateway itself has to show: models, usage, keys, requests, health. */
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
  AnthropicModel: object({ type: only('model'), id: text(), display_name: text(), created_at: TIME() }),
  AnthropicModelList: object({
    data: listOf(ref('AnthropicModel')),
    has_more: flag(),
    first_id: nullable(text()),
    last_id: nullable(text()),
  }),
  OwnUsage: object({
    object: only('usage'),
    key: object({ name: text(), models: nullable(listOf({ type: 'string' })), expires_at: nullable(TIME()) }),
    limits: object({ rpm: ref('LimitState'), tpm: ref('LimitState'), concurrency: anyObject() }),
    budget: nullable(object({ ...budget(), spent_usd: USD, resets_at: nullable(TIME('Null: it never does.')) })),
    total: object({ ...SUMS, unpriced_requests: integer('Requests whose price is not known.') }),
    data: listOf(object({ day: { ...text('UTC.'), format: 'date' }, model: text(), ...SUMS })),
  }),
  LimitState: object({
    limit: nullable(integer()),
    remaining: nullable(integer()),
    reset: nullable(text('As `6m0s`.')),
  }),
  Budget: object(budget()),
  NewKey: {
    ...request({ name: { ...text(), minLength: 1, maxLength: 200 } }, KEY_TERMS),
    // A limit misspelt would be no limit.
    additionalProperties: false,
  },
  Key: object({
    id: text(),
    key_prefix: text('The start of the key, to recognise it by.'),
    name: text(),
    ...shown(KEY_TERMS),
    created_at: TIME(),
  }),
  CreatedKey: {
    allOf: [ref('Key'), object({ key: text('The key itself. It is shown only this once.') })],
  },
  DeletedKey: object({ id: text(), object: only('key'), deleted: flag() }),
  KeyList: page('Key'),
  RequestRecord: object({
    request_id: text(),
    created_at: TIME(),
    key_id: nullable(text()),
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
    { provider: text(), model: text(), ...MEASURED, started_at: TIME() },
    {},
    'One call to a provider.',
  ),
  RequestRecordList: page('RequestRecord'),
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
        until: nullable(TIME('When a shelved one is used again.')),
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

/** What a request may leave out or set to null, an answer always shows. */
function shown(members: Schemas): Schemas {
  const always = ['tags', 'disabled'];
  return Object.fromEntries(
    Object.entries(members).map(([name, schema]) => [name, always.includes(name) ? schema : nullable(schema)]),
  );
}

function page(item: string): Schema {
  return object({
    object: only('list'),
    data: listOf(ref(item)),
    has_more: flag(),
    next_cursor: nullable(text('What to send as `cursor` to go on.')),
  });
}
