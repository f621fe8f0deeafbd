/** What a recorded stream says as a whole. */
export interface RecordedAnswer {
  readonly text: string;
  readonly reasoning: string;
  /** Arguments as JSON, or as text where the answer was cut off. */
  readonly calls: readonly { readonly name: string; readonly arguments: unknown }[];
  readonly finish: string;
  readonly promptTokens: number | undefined;
}

interface Part {
  readonly type: string;
  readonly text?: string;
  readonly thinking?: readonly { readonly text: string }[];
}

interface Call {
  readonly index?: number;
  readonly id?: string;
  readonly function: { readonly name?: string | null; readonly arguments?: string | null };
}

interface Chunk {
  readonly usage?: { readonly prompt_tokens: number } | null;
  readonly choices?: readonly {
    readonly finish_reason?: string | null;
    readonly delta: {
      readonly content?: string | readonly Part[] | null;
      readonly reasoning?: string | null;
      readonly reasoning_content?: string | null;
      readonly tool_calls?: readonly Call[] | null;
    };
  }[];
}

/** Reads a stream of one choice whole, with nothing of the gateway's own code: a second opinion. */
export function answerIn(stream: Buffer): RecordedAnswer {
  const chunks = stream
    .toString('utf8')
    .split('\n')
    .flatMap((line) => (line.startsWith('data: {') ? [JSON.parse(line.slice(6)) as Chunk] : []));
  const choices = chunks.flatMap((chunk) => chunk.choices ?? []);
  const parts = choices.flatMap(({ delta: { content } }) =>
    typeof content === 'string' ? [{ type: 'text', text: content }] : (content ?? []),
  );
  const thinking = parts.flatMap((part: Part) => part.thinking ?? []).map(({ text }) => text);
  const reasoning = choices.map(({ delta }) => delta.reasoning_content ?? delta.reasoning ?? '');
  return {
    text: parts.map((part: Part) => part.text ?? '').join(''),
    reasoning: [...reasoning, ...thinking].join(''),
    calls: callsIn(choices.flatMap(({ delta }) => delta.tool_calls ?? [])),
    finish: choices.findLast((choice) => choice.finish_reason != null)?.finish_reason ?? '', // some say it twice
    promptTokens: chunks.findLast(({ usage }) => usage != null)?.usage?.prompt_tokens,
  };
}

function callsIn(deltas: readonly Call[]): RecordedAnswer['calls'] {
  const calls = new Map<unknown, { name: string; text: string }>();
  for (const { index, id, function: fn } of deltas) {
    const call = calls.get(index ?? id) ?? { name: '', text: '' };
    calls.set(index ?? id, { name: call.name + (fn.name ?? ''), text: call.text + (fn.arguments ?? '') });
  }
  return [...calls.values()].map(({ name, text }) => ({ name, arguments: jsonOrText(text) }));
}

/** Two ways to write the same arguments are the same arguments. */
export function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text === '' ? '{}' : text);
  } catch {
    return text;
  }
}
