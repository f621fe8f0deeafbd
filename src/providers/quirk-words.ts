/** Phrases that several providers' quirks are made of. */

export const SAMPLING = [
  'temperature',
  'top_p',
  'presence_penalty',
  'frequency_penalty',
  'logit_bias',
  'top_logprobs',
] as const;
/** `logprobs` is not among them: without it the answer would mean something else, so the provider's own refusal is the truth. */
export const UNLESS_REASONING = ['temperature', 'top_p'] as const;
export const PENALTIES = ['presence_penalty', 'frequency_penalty'] as const;

/** Efforts as three steps, for models that know no others. */
export const THREE_EFFORTS = effortWords({ minimal: 'low', xhigh: 'high', max: 'high' });
export const THINKING_SWITCH = { none: { thinking: { type: 'disabled' } } } as const;

/** For models that think or do not, and know nothing between. */
export const THINKING_ON_OR_OFF = {
  ...THINKING_SWITCH,
  ...Object.fromEntries(
    ['minimal', 'low', 'medium', 'high', 'xhigh', 'max'].map((effort) => [effort, { thinking: { type: 'enabled' } }]),
  ),
};

/** Efforts that go by another name. */
export function effortWords(
  words: Readonly<Record<string, string>>,
): Readonly<Record<string, { readonly reasoning_effort: string }>> {
  return Object.fromEntries(Object.entries(words).map(([asked, sent]) => [asked, { reasoning_effort: sent }]));
}
