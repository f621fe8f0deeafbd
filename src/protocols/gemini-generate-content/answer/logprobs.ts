import { isObject, type Json } from '../../json.js';
import { objectOf, objectsOf } from '../wire.js';

/** `logprobsResult` in OpenAI's shape (OpenAI wire §2.4); undefined where there is none. */
export function logprobsFrom(
  result: unknown,
): { readonly content: readonly Json[]; readonly refusal: null } | undefined {
  if (!isObject(result)) return undefined;
  const alternatives: readonly unknown[] = Array.isArray(result['topCandidates']) ? result['topCandidates'] : [];
  const content = objectsOf(result['chosenCandidates']).map((chosen, index) => ({
    ...tokenOf(chosen),
    top_logprobs: objectsOf(objectOf(alternatives[index])['candidates']).map(tokenOf),
  }));
  return { content, refusal: null };
}

function tokenOf({ token, logProbability }: Json): Json {
  const text = typeof token === 'string' ? token : '';
  const logprob = typeof logProbability === 'number' ? logProbability : 0;
  return { token: text, logprob, bytes: [...Buffer.from(text)] };
}
