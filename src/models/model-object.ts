import type { Capability, ModelCard } from '../catalog/model-card.js';
import type { ServedModel } from '../catalog/served-model.js';
import type { ModelPrice } from '../domain/price.js';

const NANO_PER_USD = 1e9;

/** Fields that every chat model takes. */
const COMMON = ['max_tokens', 'max_completion_tokens', 'temperature', 'top_p', 'stop', 'stream', 'stream_options'];

/** Those of a model that is known: what its provider would not honour, or the model refuses, is taken out again. */
const USUAL = ['seed', 'n', 'user', 'metadata'];
/** These bend how tokens are drawn: a model that does not take a temperature takes none of them. */
const DRAWING = ['presence_penalty', 'frequency_penalty', 'logit_bias', 'logprobs', 'top_logprobs'];

const BY_CAPABILITY: Partial<Record<Capability, readonly string[]>> = {
  tools: ['tools', 'tool_choice', 'parallel_tool_calls'],
  json_schema: ['response_format'],
  reasoning: ['reasoning_effort'],
};

/** A model as OpenAI's API shows it, and what clients fill menus with. */
export function modelObject({ id, created, ownedBy, card }: ServedModel, price: ModelPrice | undefined) {
  return {
    id,
    object: 'model',
    created,
    owned_by: ownedBy,
    context_window: card?.contextWindow ?? null,
    max_output_tokens: card?.maxOutputTokens ?? null,
    capabilities: card?.capabilities ?? [],
    supported_parameters: supportedParameters(card),
    pricing: pricing(price),
  };
}

/** A model as Anthropic's API shows it. */
export function anthropicModelObject({ id, created, card }: ServedModel) {
  return {
    type: 'model',
    id,
    display_name: card?.name ?? id,
    created_at: new Date(created * 1000).toISOString().replace('.000Z', 'Z'),
  };
}

/** Of a model that nobody knows, only what every chat model takes is promised. */
function supportedParameters(card: ModelCard | undefined): readonly string[] {
  const parameters = [
    ...COMMON,
    ...(card === undefined ? [] : USUAL),
    ...(card === undefined || card.refuses.includes('temperature') ? [] : DRAWING),
    ...(card?.capabilities ?? []).flatMap((capability) => BY_CAPABILITY[capability] ?? []),
  ];
  return parameters.filter((parameter) => !card?.refuses.includes(parameter));
}

/** Dollars per million tokens; null: not known, which is not free. */
function pricing(price: ModelPrice | undefined) {
  return {
    input_usd_per_mtok: dollars(price?.input),
    cached_input_usd_per_mtok: dollars(price?.cachedInput),
    output_usd_per_mtok: dollars(price?.output),
  };
}

function dollars(nano: number | undefined): number | null {
  return nano === undefined ? null : nano / NANO_PER_USD;
}
