// What is sent: the load generator and the upstream agree on it here.

/** Events with a choice in a whole stream. */
export const CHUNKS = 200;

/** `target`: the most the gateway may cost, as a multiple of the bare proxy. */
export const PLAIN = [
  { name: 'request, 1 kB', bytes: 1_000, concurrency: 16, target: 3 },
  { name: 'request, 20 kB', bytes: 20_000, concurrency: 16, target: 2 },
  { name: 'request, 200 kB', bytes: 200_000, concurrency: 16 },
].map((scenario) => ({ ...scenario, kind: 'plain', per: 1 }));

export const STREAMS = [
  {
    name: 'chunk, 200 written at once',
    kind: 'stream',
    model: 'plain',
    bytes: 1_000,
    concurrency: 16,
    per: CHUNKS,
    target: 1.5,
  },
  {
    name: 'chunk, one every 10 ms, 50 streams',
    kind: 'stream',
    model: 'paced',
    bytes: 1_000,
    concurrency: 50,
    per: CHUNKS,
    once: true,
    target: 1.5,
  },
];

/** The gateway translates; the bare proxy passes on the same words in OpenAI's dialect. */
export const TRANSLATED = ['claude', 'gemini'].map((model) => ({
  name: `chunk, translated (${model}), 200 written at once`,
  kind: 'stream',
  model,
  bytes: 1_000,
  concurrency: 16,
  per: CHUNKS,
  target: 2.5,
}));

export const FIRST_TOKEN = {
  name: 'time to first token',
  kind: 'stream',
  model: 'short',
  bytes: 1_000,
  concurrency: 1,
  pauseMs: 2,
};

/** A conversation of about so many bytes, in turns of at most 2 kB as people and tools write them. */
export function requestBody({ bytes, kind, model = 'plain' }) {
  const stream = kind === 'stream';
  const frame = { model, ...(stream && { stream }), temperature: 0.7, max_tokens: 256 };
  const messages = [{ role: 'system', content: 'You are a terse assistant.' }];
  for (let left = bytes - 130; left > 0; left -= 2_000) {
    const role = messages.length % 2 === 1 ? 'user' : 'assistant';
    messages.push({ role, content: 'Lorem ipsum "dolor" sit amet. '.repeat(67).slice(0, Math.min(left, 2_000) - 40) });
  }
  return JSON.stringify({ ...frame, messages });
}
