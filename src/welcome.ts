import { priceAt } from './catalog/model-card.js';
import type { ServedModel } from './catalog/served-model.js';

export interface Welcome {
  readonly url: string;
  /** Shown here and never again. */
  readonly key: string;
  readonly models: readonly ServedModel[];
}

/** What a first start prints: the key, and samples that work as they are pasted. */
export function welcome({ url, key, models }: Welcome): string {
  const model = cheapest(models);
  return `
Parley answers at ${url}

A key was made, as there was none. It is shown only now:

    ${key}

${model === undefined ? NO_MODEL : samples(url, key, model.id)}

The API is described at ${url}/docs

`;
}

/** Of the first provider's models the one that costs least: a first try is no time for a surprise on the bill. */
function cheapest(models: readonly ServedModel[]): ServedModel | undefined {
  const [first] = models;
  const now = Date.now();
  const costs = ({ card }: ServedModel) => (card && priceAt(card, now)?.output) ?? Infinity;
  if (first === undefined) return undefined;
  const own = models.filter(({ ownedBy }) => ownedBy === first.ownedBy);
  return own.reduce((best, model) => (costs(model) < costs(best) ? model : best), first);
}

/** Nothing is listed, so no sample would be known to work. */
const NO_MODEL = `No model is listed, as the providers do not say which ones they have. Write the name of a provider in your
config, a slash, and what that provider calls the model: {"model": "provider/model", ...}`;

const QUESTION = [{ role: 'user', content: 'Hello' }];

/** A model's id comes from whoever serves it: it must stay a word of the command, whatever it holds. */
const samples = (url: string, key: string, model: string): string => `# curl
curl ${url}/v1/chat/completions \\
  -H "Authorization: Bearer ${key}" \\
  -H "Content-Type: application/json" \\
  -d '${JSON.stringify({ model, messages: QUESTION }).replaceAll("'", String.raw`'\''`)}'

# Python: pip install openai
from openai import OpenAI
client = OpenAI(base_url="${url}/v1", api_key="${key}")
answer = client.chat.completions.create(model=${JSON.stringify(model)}, messages=[{"role": "user", "content": "Hello"}])
print(answer.choices[0].message.content)`;
