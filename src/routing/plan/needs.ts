import type { ModelCard } from '../../catalog/model-card.js';
import type { ChatRequest } from '../../domain/chat.js';
import { sourceText } from '../../domain/json-source.js';
import { CHARACTERS_PER_TOKEN } from '../../estimates/learned-ratio.js';
import { promptSize } from '../../estimates/prompt-size.js';
import type { Reason } from './plan.js';

/** What a request needs of a model beyond text. */
export interface Needs {
  readonly tools: boolean;
  readonly vision: boolean;
  readonly audio: boolean;
  readonly pdf: boolean;
  readonly json_schema: boolean;
  /** Whether it may be of no more tokens than so many. It is measured only where the whole of it might be more. */
  fitsIn(tokens: number): boolean;
}

export function needsOf(request: ChatRequest): Needs {
  const parts = new Set<string>();
  for (const { content } of request.messages)
    if (typeof content === 'object' && content !== null) for (const { type } of content) parts.add(type);
  const whole = sourceText(request).length;
  let counted: number | undefined;
  const { tools, functions, modalities, response_format: format } = request;
  return {
    tools: isNotEmpty(tools) || isNotEmpty(functions),
    vision: parts.has('image_url'),
    audio: parts.has('input_audio') || (Array.isArray(modalities) && modalities.includes('audio')),
    pdf: parts.has('file'),
    json_schema: format?.type === 'json_schema',
    fitsIn: (tokens) =>
      whole <= tokens * CHARACTERS_PER_TOKEN || (counted ??= promptSize(request)) <= tokens * CHARACTERS_PER_TOKEN,
  };
}

const isNotEmpty = (list: unknown): boolean => Array.isArray(list) && list.length > 0;

/** Texts are measured by their length alone: only a prompt that is too long by any measure is kept from a model. */
const CERTAINLY_TOO_LONG = 1.25;

/**
 * Why the model cannot serve a request; undefined: it can, as far as anybody knows. What the catalogue does not know
 * keeps nothing from a model.
 */
export function unfitFor(needs: Needs, card: ModelCard | undefined): Reason | undefined {
  if (card === undefined) return undefined;
  const { capabilities, contextWindow } = card;
  if (contextWindow !== null && !needs.fitsIn(contextWindow * CERTAINLY_TOO_LONG)) return 'context_too_small';
  if (capabilities === null) return undefined;
  const missing = NEEDED.find((capability) => needs[capability] && !capabilities.includes(capability));
  return missing && `no_${missing}`;
}

const NEEDED = ['tools', 'vision', 'audio', 'pdf', 'json_schema'] as const;
