/**
 * Writes src/catalog/model-catalog.json: which models each provider type has, what they can do and what they cost.
 * Ids, context windows and prices come from @pydantic/genai-prices (MIT); what that lacks is in catalog-additions.json.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { findProvider } from '@pydantic/genai-prices';

const catalogFolder = new URL('../src/catalog/', import.meta.url);
const additions = JSON.parse(readFileSync(new URL('catalog-additions.json', catalogFolder), 'utf8'));
const source = JSON.parse(
  readFileSync(new URL('../node_modules/@pydantic/genai-prices/package.json', import.meta.url), 'utf8'),
);

/** Our provider types, in the order in which an id that several have is named, and where their models stand in the source. */
const TYPES = [
  { type: 'openai', from: 'openai' },
  { type: 'anthropic', from: 'anthropic' },
  { type: 'gemini', from: 'google', keep: (id) => !servedByVertexAlone(id), rules: googleRules },
  { type: 'mistral', from: 'mistral' },
  { type: 'deepseek', from: 'deepseek' },
  { type: 'xai', from: 'x-ai' },
  { type: 'moonshot', from: 'moonshotai' },
  { type: 'cohere', from: 'cohere' },
  { type: 'perplexity', from: 'perplexity' },
  { type: 'zai', from: 'zai' },
  { type: 'minimax', from: 'minimax' },
  { type: 'groq', from: 'groq' },
  { type: 'cerebras', from: 'cerebras' },
  { type: 'together', from: 'together' },
  { type: 'fireworks', from: 'fireworks' },
  { type: 'openrouter', from: 'openrouter' },
  { type: 'cloudflare', from: 'cloudflare' },
  { type: 'vertex', from: 'google', keep: servedByVertexAlone, rules: googleRules, fallback: ['gemini'] },
  { type: 'bedrock', from: 'aws', rules: bedrockRules },
  { type: 'azure-openai', from: 'azure', fallback: ['openai'] },
  { type: 'simulator' },
];

function servedByVertexAlone(id) {
  return id.startsWith('claude-') || id.endsWith('-maas');
}

const types = {};
for (const entry of TYPES) {
  const models = modelsOf(entry);
  models.sort((a, b) => (a.id < b.id ? -1 : 1));
  types[entry.type] = { ...(entry.fallback && { fallback: entry.fallback }), models };
}
types.openrouter.models = types.openrouter.models.map(withMediaOfItsMaker);
const head = JSON.stringify({
  version: `genai-prices-${source.version}+${additions.pricesOf}.${fingerprint()}`,
}).slice(0, -1);
const lines = Object.entries(types).map(([type, { models, ...rest }]) => {
  const start = JSON.stringify({ type, ...rest }).slice(0, -1);
  return `${start},"models":[\n${models.map((model) => JSON.stringify(model)).join(',\n')}\n]}`;
});
const text = `${head},"types":[\n${lines.join(',\n')}\n]}\n`;
JSON.parse(text);
writeFileSync(new URL('model-catalog.json', catalogFolder), text);
console.log(`${Object.values(types).reduce((sum, { models }) => sum + models.length, 0)} models, ${text.length} bytes`);

function modelsOf({ type, from, keep = () => true, rules = plainRules }) {
  const found = from === undefined ? [] : findProvider({ providerId: from }).models;
  const models = found
    .filter(({ id }) => keep(id) && !matchesAny(additions.absent[type], id))
    .map((model) => cardOf(type, model, rules(flatten(model.match), { from })))
    .filter((card) => card !== undefined);
  const extra = additions.extra[type] ?? [];
  return [...models, ...extra.map(({ price, ...model }) => withFacts(type, { ...model, ...(price && { price }) }))];
}

/** Of all prices: two lists of one version are the same list, also where only our own additions have changed. */
function fingerprint() {
  const prices = Object.entries(types).map(([type, { models }]) => [
    type,
    models.map(({ id, price, prices: periods }) => [id, price ?? periods ?? null]),
  ]);
  return createHash('sha256').update(JSON.stringify(prices)).digest('hex').slice(0, 8);
}

/**
 * OpenRouter asks its makers' prices, of which the source knows only those of text: where these are the same, what is
 * heard and seen costs the same too, as its bills say.
 */
function withMediaOfItsMaker(card) {
  const [vendor, id] = card.id.split('/');
  const maker = types[{ google: 'gemini', openai: 'openai' }[vendor]]?.models.find((model) => model.id === id)?.price;
  if (maker === undefined || maker.input !== card.price?.input || maker.output !== card.price.output) return card;
  const media = ['audioInput', 'audioOutput', 'imageInput', 'imageOutput'].filter((name) => maker[name] !== undefined);
  return { ...card, price: { ...Object.fromEntries(media.map((name) => [name, maker[name]])), ...card.price } };
}

/** The source's match expression as three lists of rules. */
function flatten(match) {
  if (match.or) return match.or.map(flatten).reduce(joined, noRules());
  // The second half of an `and` only excludes ids that have an entry of their own.
  if (match.and) return flatten(match.and[0]);
  if (match.equals) return { ...noRules(), exact: [match.equals] };
  if (match.starts_with) return { ...noRules(), prefixes: [match.starts_with] };
  if (match.contains) return { ...noRules(), fragments: [match.contains] };
  if (match.ends_with) return { ...noRules(), endings: [match.ends_with] };
  // The patterns of the source stand for dated versions, which the catalogue finds by leaving the date out.
  if (/^\^[\w.\\/-]+-\\d(\{\d\}|-|\$)*/.test(match.regex)) return noRules();
  throw new Error(`The source has a rule that this script does not know: ${JSON.stringify(match)}`);
}

function noRules() {
  return { exact: [], prefixes: [], fragments: [], endings: [] };
}

function joined(left, right) {
  return Object.fromEntries(Object.keys(left).map((kind) => [kind, [...left[kind], ...right[kind]]]));
}

/** A rule that puts the provider's name in front is for other tools; the API takes the bare id. */
function plainRules({ exact, prefixes, fragments, endings }, { from }) {
  const own = (rule) => !rule.startsWith(`${from}/`) && !rule.startsWith(`${from}:`);
  return { exact: [...exact, ...endings].filter(own), prefixes: prefixes.filter(own), fragments };
}

/** Google's rules look for an id anywhere because Vertex puts paths in front; the catalogue gets ids without. */
function googleRules({ exact, prefixes, fragments, endings }) {
  return {
    exact: [...exact, ...endings].filter((rule) => !rule.includes('/')),
    prefixes: [...prefixes, ...fragments],
    fragments: [],
  };
}

/** Bedrock's ids carry a vendor, may carry a region, and may stand inside an ARN. */
function bedrockRules({ exact, prefixes, fragments, endings }) {
  const vendorOf = { claude: 'anthropic.claude', titan: 'amazon.titan' };
  const full = (rule) => rule.replace(/^(claude|titan)(?=-)/, (name) => vendorOf[name]);
  const named = (rule) => rule.includes('.') && !rule.startsWith('claude');
  return {
    exact: exact.filter(named),
    prefixes: prefixes.filter(named),
    fragments: [...fragments, ...endings].map(full),
  };
}

function cardOf(type, model, rules) {
  const id = additions.ids[type]?.[model.id] ?? callableId(model.id, rules);
  if (id === undefined) return undefined;
  const aliases = unique(rules.exact.map((exact) => exact.toLowerCase())).filter((exact) => exact !== id.toLowerCase());
  const name = displayName(model.name);
  return withFacts(type, {
    id,
    ...(name && { name }),
    ...(aliases.length > 0 && { aliases }),
    ...(rules.prefixes.length > 0 && { prefixes: unique(rules.prefixes) }),
    ...(rules.fragments.length > 0 && { fragments: unique(rules.fragments) }),
    ...(model.context_window && { context: model.context_window }),
    ...finished(type, id, priceOf(model)),
    // OpenRouter keeps its list long; the entries that the source stopped tending are the ones that have gone.
    ...((model.deprecated || (type === 'openrouter' && !model.context_window)) && { listed: false }),
  });
}

/** The source names some models in its own way: the first name that one of their rules knows is what the API takes. */
function callableId(id, { exact, prefixes, fragments }) {
  const known = (name) =>
    exact.includes(name) ||
    prefixes.some((prefix) => name.startsWith(prefix)) ||
    fragments.some((fragment) => name.includes(fragment));
  const bare = id.replace(/^regional\./, '');
  return [bare, `us.${bare}`, exact[0], prefixes[0]].find((name) => name !== undefined && known(name));
}

function withFacts(type, { listed: inService = true, ...card }) {
  const family = familyOf(card.id);
  const chat = !matchesAny([...additions.notChat['*'], ...(additions.notChat[type] ?? [])], card.id);
  const listed = inService && !matchesAny([...additions.unlisted['*'], ...(additions.unlisted[type] ?? [])], card.id);
  return {
    ...card,
    ...(card.context === undefined && family?.context && { context: family.context }),
    ...(chat && family?.maxOutput && { maxOutput: family.maxOutput }),
    ...(chat && family?.capabilities && { capabilities: family.capabilities }),
    ...(chat && family?.refuses && { refuses: family.refuses }),
    ...(!chat && { chat: false }),
    ...(chat && !listed && { listed: false }),
  };
}

/** The most exact family: `gpt-4o-mini` before `gpt-4o`, and never `gpt-4` for `gpt-4o`. */
function familyOf(id) {
  const bare = familiar(id);
  return additions.families
    .filter(({ of }) => bare === familiar(of) || bare.startsWith(`${familiar(of)}-`))
    .sort((a, b) => b.of.length - a.of.length)[0];
}

/** `us.anthropic.claude-3-5-sonnet-…`, `anthropic/claude-3.5-sonnet` and `claude-3-5-sonnet` are one family. */
function familiar(id) {
  const path = id.toLowerCase().split('/').at(-1).split(/[@:]/)[0];
  return path
    .replace(/^((global|us|eu|jp|apac|au)\.)?(anthropic|amazon|openai|meta|mistral|deepseek)\./, '')
    .replaceAll('.', '-');
}

function displayName(name) {
  return name
    ?.replace(/ \(free\)$/i, '')
    .replace(/^gpt /, 'GPT-')
    .replace(/^gemini /, 'Gemini ');
}

/** One price, or the list of those that hold from a day on or between two times of the day (the last that holds counts). */
function priceOf({ id, name = '', prices }) {
  if (!Array.isArray(prices)) {
    const price = ratesOf(prices);
    if (price !== undefined) return { price };
    // No price at all in the source means free only where it says so.
    const free = Object.keys(prices).length === 0 && (id.endsWith(':free') || name.endsWith('(free)'));
    return free ? { price: { input: 0, output: 0 } } : {};
  }
  const periods = prices.map(({ constraint, prices: rates }) => ({ ...periodOf(constraint), price: ratesOf(rates) }));
  return periods.some(({ price }) => price === undefined) ? {} : { prices: periods };
}

/** What the source does not say of a price, wherever the price stands. */
function finished(type, id, { price, prices }) {
  const tiers = { ...additions.tiers[type]?.['*'], ...additions.tiers[type]?.[id] };
  const whole = (rates) => ({
    ...withHourlyWrites(id, rates),
    ...(Object.keys(tiers).length > 0 && { tiers: inNanoDollars(tiers) }),
  });
  if (price !== undefined) return { price: whole(price) };
  return prices === undefined ? {} : { prices: prices.map((period) => ({ ...period, price: whole(period.price) })) };
}

/** A tier's price is a share of the usual one, or a list of its own. */
function inNanoDollars(tiers) {
  const nano = (rates) => Object.fromEntries(Object.entries(rates).map(([name, usd]) => [name, Math.round(usd * 1e9)]));
  return Object.fromEntries(
    Object.entries(tiers).map(([tier, price]) => [tier, typeof price === 'number' ? price : nano(price)]),
  );
}

function periodOf(constraint) {
  if (constraint === undefined) return {};
  if (constraint.type === 'start_date') return { from: constraint.start_date };
  return { between: [minuteOfDay(constraint.start_time), minuteOfDay(constraint.end_time)] };
}

function minuteOfDay(time) {
  const [, hours, minutes] = /^(\d\d):(\d\d):00Z$/.exec(time);
  return Number(hours) * 60 + Number(minutes);
}

function ratesOf(prices) {
  const output = prices.output_mtok ?? (prices.input_mtok === undefined ? undefined : 0);
  if (prices.input_mtok === undefined || output === undefined) return undefined;
  const classes = {
    input: prices.input_mtok,
    cachedInput: prices.cache_read_mtok,
    cacheWrite: prices.cache_write_mtok,
    cacheWrite1h: prices.cache_write_1h_mtok,
    audioInput: prices.input_audio_mtok,
    imageInput: prices.input_image_mtok,
    output,
    reasoning: prices.output_reasoning_mtok,
    audioOutput: prices.output_audio_mtok,
    imageOutput: prices.output_image_mtok,
  };
  const starts = unique(Object.values(classes).flatMap((price) => price?.tiers?.map(({ start }) => start) ?? []));
  const longContext = starts
    .sort((a, b) => a - b)
    .map((start) => ({ aboveInputTokens: start, ...ratesAt(classes, start) }));
  return { ...ratesAt(classes, -1), ...(longContext.length > 0 && { longContext }) };
}

/**
 * Anthropic's own rule for writing to the cache, which holds wherever its models are sold: a quarter more than the
 * input for five minutes, twice the input for an hour. The source has the second one for few sellers only.
 */
function withHourlyWrites(id, price) {
  const { input, cacheWrite, cacheWrite1h, longContext } = price;
  const rule = cacheWrite !== undefined && cacheWrite1h === undefined && cacheWrite * 4 === input * 5;
  if (!/(^|[./])claude-/i.test(id) || !rule) return price;
  return {
    ...price,
    cacheWrite1h: input * 2,
    ...(longContext && { longContext: longContext.map((each) => withHourlyWrites(id, each)) }),
  };
}

/** Integer nano-dollars per million tokens, for prompts of more tokens than `start`. */
function ratesAt(classes, start) {
  const rates = {};
  for (const [name, price] of Object.entries(classes)) {
    if (price === undefined) continue;
    const tier = price.tiers?.filter((each) => each.start <= start).sort((a, b) => b.start - a.start)[0];
    const usd = tier?.price ?? price.base ?? price;
    const nano = Math.round(usd * 1e9);
    // Some rates are a third of something: they are rounded, but never so that a bill would show it.
    if (Math.abs(nano / 1e9 - usd) > usd * 1e-6)
      throw new Error(`$${usd} a million tokens is finer than a nano-dollar.`);
    rates[name] = nano;
  }
  return rates;
}

function matchesAny(patterns, id) {
  return (patterns ?? []).some((pattern) => new RegExp(pattern, 'i').test(id));
}

function unique(values) {
  return [...new Set(values)];
}
