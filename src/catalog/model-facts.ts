import { readFileSync } from 'node:fs';
import type { ClaudeFacts, ConverseFacts, GeminiFacts, ModelFacts } from '../domain/model-facts.js';

/** `facts/*.json`: rules in order. The first one holds that has a text which the id contains. */
interface FactsFile<Facts> {
  readonly source: string;
  readonly models: readonly FactsRule<Facts>[];
}

interface FactsRule<Facts> {
  /** Texts, of which an id must contain one; `''` fits all. */
  readonly ids: readonly string[];
  readonly maxOutputTokens?: number;
  readonly facts: Facts;
}

const CLAUDE = read<ClaudeFacts>('claude');
const GEMINI = read<GeminiFacts>('gemini');
const CONVERSE = read<ConverseFacts>('converse');

/** How the model of this id behaves at a provider of this type, as far as the catalogue knows. */
export function factsOf(type: string, modelId: string): ModelFacts {
  const id = modelId.toLowerCase();
  const claude = isClaude(type, id) ? ruleFor(CLAUDE, id) : undefined;
  const gemini = isGoogle(type, id) && claude === undefined ? ruleFor(GEMINI, id) : undefined;
  const converse = type === 'bedrock' ? ruleFor(CONVERSE, id) : undefined;
  const maxOutputTokens = (claude ?? gemini ?? converse)?.maxOutputTokens;
  return {
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
    ...(claude && { claude: claude.facts }),
    ...(gemini && { gemini: gemini.facts }),
    ...(converse && { converse: converse.facts }),
  };
}

const isClaude = (type: string, id: string): boolean => type === 'anthropic' || id.includes('claude');
const isGoogle = (type: string, id: string): boolean =>
  type === 'gemini' || type === 'vertex' || /gemini|gemma/.test(id);

function ruleFor<Facts>({ models }: FactsFile<Facts>, id: string): FactsRule<Facts> | undefined {
  return models.find(({ ids }) => ids.some((word) => id.includes(word)));
}

function read<Facts>(name: string): FactsFile<Facts> {
  return JSON.parse(readFileSync(new URL(`./facts/${name}.json`, import.meta.url), 'utf8')) as FactsFile<Facts>;
}
