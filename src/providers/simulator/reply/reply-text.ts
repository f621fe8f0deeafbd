import type { ChatRequest } from '../../../domain/chat.js';
import { attachments, lastUserText, toolResults } from './conversation.js';
import { SeededRandom } from '../schema/seeded-random.js';
import type { SimulatorOptions } from '../simulator-options.js';

const DEFAULT_TOKENS = 64;
const QUOTED = 400;
const HALF_CHARACTER = /[\ud800-\udbff]$/;

/** Each is one token, also after a space. */
const WORDS =
  'the of and to in is that for it with as was on be at by this have from or one had not but what all were when we there can an your which their said if do will each about how up out them then she many some so these would other into has more her two like him see time could no make than first been its who now people my made over did down only way find use may water long little very after words called just where most know'.split(
    ' ',
  );

/** What the simulator says where no tool is to be called and no JSON is asked for. */
export function replyText(request: ChatRequest, options: SimulatorOptions, place: ReplyPlace): string {
  const { text, tokens, seed } = options;
  if (text !== undefined) return text;
  if (tokens !== undefined) return seededText(place.seed, tokens);
  const results = toolResults(request);
  if (results.length > 0)
    return results.map((result) => `The tool \`${result.tool}\` says: ${quoted(result.text)}`).join('\n');
  if (seed !== undefined) return seededText(place.seed, DEFAULT_TOKENS);
  return place.echo ? lastUserText(request) : introduction(request);
}

export interface ReplyPlace {
  /** The seed of this choice. */
  readonly seed: number;
  /** The model that repeats what it is told. */
  readonly echo: boolean;
}

function introduction(request: ChatRequest): string {
  const text = lastUserText(request);
  const attached = attachments(request);
  const said = text === '' ? 'You wrote nothing I can repeat' : `You wrote: ${quoted(text)}`;
  const also = attached === 0 ? '' : ` (with ${String(attached)} attachment${attached === 1 ? '' : 's'})`;
  return `Hello! This is Parley's built-in simulator, not a language model: the gateway works, and this text is made up. ${said}${also}. Configure a provider to talk to a real model.`;
}

function quoted(text: string): string {
  const short = text.length <= QUOTED ? text : `${text.slice(0, QUOTED).replace(HALF_CHARACTER, '')}…`;
  return `"${short}"`;
}

/** Words without sense, exactly `tokens` tokens long and always the same for one seed. */
function seededText(seed: number, tokens: number): string {
  const random = new SeededRandom(seed);
  return Array.from({ length: tokens }, () => random.pick(WORDS)).join(' ');
}
