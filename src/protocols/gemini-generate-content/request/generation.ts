import { isObject, type Json } from '../../json.js';
import { objectOf, textOf } from '../wire.js';
import { invalidValue, unsupportedValue, type Scope } from './scope.js';

/** `generationConfig` without what thinking and the answer's format add (Gemini reference §2.1). */
export function generationOf(scope: Scope): Json {
  const { request } = scope;
  return present({
    maxOutputTokens: limitOf(scope),
    temperature: request.temperature,
    topP: request.top_p,
    topK: request['top_k'],
    stopSequences: stopOf(scope),
    candidateCount: candidatesOf(scope),
    seed: seedOf(scope),
    presencePenalty: penaltyOf('presence_penalty', scope),
    frequencyPenalty: penaltyOf('frequency_penalty', scope),
    ...logprobsOf(scope),
    ...modalitiesOf(scope),
  });
}

/** The members that say something. */
export const present = (members: Json): Json =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined && value !== null));

/** Thinking counts too. More than the model gives in one answer is refused by some, and a continuation for others. */
function limitOf({ request, target, facts, report }: Scope): number | undefined {
  const { max_completion_tokens: current, max_tokens: old } = request;
  const asked = current ?? old ?? undefined;
  if (current != null && old != null && current !== old) report.drop('max_tokens', '`max_completion_tokens` counts.');
  if (asked === undefined) return undefined;
  const cap = facts.outputCap?.[request.stream === true ? 'stream' : 'whole'] ?? Infinity;
  const most = Math.min(cap, target.facts.maxOutputTokens ?? Infinity);
  if (asked <= most) return asked;
  report.adapt(current == null ? 'max_tokens' : 'max_completion_tokens', String(most), 'The most this model gives.');
  return most;
}

const MOST_STOPS = 5;

function stopOf({ request }: Scope): readonly string[] | undefined {
  const { stop } = request;
  if (stop == null) return undefined;
  const words = typeof stop === 'string' ? [stop] : stop;
  if (words.length > MOST_STOPS)
    throw unsupportedValue('stop', `Gemini takes no more than ${MOST_STOPS} stop sequences.`);
  return words.length === 0 ? undefined : words;
}

const MOST_CANDIDATES = 8;

function candidatesOf({ request }: Scope): number | undefined {
  const { n } = request;
  if (n == null || n === 1) return undefined;
  if (n > MOST_CANDIDATES) throw unsupportedValue('n', `Gemini gives no more than ${MOST_CANDIDATES} answers.`);
  return n;
}

/** Google's seed has 32 bits. */
function seedOf({ request, report }: Scope): number | undefined {
  const { seed } = request;
  if (seed == null) return undefined;
  const short = Number(BigInt.asIntN(32, BigInt(seed)));
  if (short !== seed) report.adapt('seed', String(short), 'Gemini takes seeds of 32 bits.');
  return short;
}

function penaltyOf(field: 'presence_penalty' | 'frequency_penalty', scope: Scope): unknown {
  const { request, report, facts, host } = scope;
  const value = request[field];
  if (value == null || host === 'vertex' || facts.penalties) return value;
  if (value !== 0) report.drop(field, 'The Gemini API does not take it for this model.');
  return undefined;
}

function logprobsOf({ request }: Scope): Json {
  if (request['logprobs'] !== true) return {};
  return { responseLogprobs: true, logprobs: request['top_logprobs'] ?? undefined };
}

/** Models that speak do nothing else, and models that draw also talk. */
function modalitiesOf({ request, report }: Scope): Json {
  const { modalities, audio } = request;
  const wanted = Array.isArray(modalities) ? modalities.map(String) : [];
  const speaks = wanted.includes('audio');
  if (audio != null && !speaks) report.drop('audio', '`modalities` does not ask for audio.');
  if (wanted.every((word) => word === 'text')) return {};
  if (!speaks) return { responseModalities: wanted.map((word) => word.toUpperCase()) };
  if (wanted.includes('text')) report.adapt('modalities', 'audio', 'Gemini speaks or writes, not both.');
  const { voice, format } = objectOf(audio);
  const voiceName = textOf(isObject(voice) ? voice['id'] : voice);
  if (voiceName === undefined && audio != null) throw invalidValue('audio.voice', 'Expected the name of a voice.');
  if (format != null && format !== 'pcm16')
    report.adapt('audio.format', 'pcm16', 'Gemini gives audio as it is sampled.');
  return {
    responseModalities: ['AUDIO'],
    ...(voiceName !== undefined && { speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName } } } }),
  };
}
