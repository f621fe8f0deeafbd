import type { ChatCompletionChunk, Usage } from '../../src/domain/chat.js';

/** What a client has put together of an answer, streamed or not. */
export interface Folded {
  readonly content: string;
  readonly reasoning: string;
  readonly refusal: string;
  readonly calls: readonly { readonly id: string; readonly name: string; readonly input: string }[];
  /** Signed and encrypted reasoning, the pieces of one entry joined. */
  readonly details: readonly Readonly<Record<string, unknown>>[];
  readonly finish: string | undefined;
  readonly native: unknown;
  readonly usage: Usage | undefined;
}

interface Choice {
  readonly finish_reason: string | null;
  readonly native_finish_reason?: unknown;
  readonly [field: string]: unknown;
}

type Fields = Readonly<Record<string, unknown>>;

/** The chunks of a stream put together as the official SDK does it. */
export function foldChunks(text: string): Folded {
  const events = text.split('\n\n').filter((event) => event.startsWith('data: '));
  const chunks = events.map((event) => JSON.parse(event.slice(6)) as ChatCompletionChunk);
  const choices = chunks.flatMap(({ choices }) => choices as unknown as readonly (Choice & { delta: Fields })[]);
  const calls: { id: string; name: string; input: string }[] = [];
  for (const { delta } of choices)
    for (const { index, id, function: told } of (delta['tool_calls'] ?? []) as readonly {
      index: number;
      id?: string;
      function?: { name?: string; arguments?: string };
    }[]) {
      const call = (calls[index] ??= { id: '', name: '', input: '' });
      if (id !== undefined) call.id = id;
      call.name += told?.name ?? '';
      call.input += told?.arguments ?? '';
    }
  const joined = (field: string) =>
    choices.map(({ delta }) => (delta[field] as string | null | undefined) ?? '').join('');
  const end = choices.find((choice) => choice.finish_reason !== null);
  return {
    content: joined('content'),
    reasoning: joined('reasoning_content'),
    refusal: joined('refusal'),
    calls,
    details: joinedDetails(choices.flatMap(({ delta }) => (delta['reasoning_details'] ?? []) as readonly Fields[])),
    finish: end?.finish_reason ?? undefined,
    native: end?.native_finish_reason,
    usage: chunks.at(-1)?.usage ?? undefined,
  };
}

export function foldCompletion(completion: { readonly choices: readonly unknown[]; readonly usage?: Usage }): Folded {
  const [choice] = completion.choices as readonly (Choice & { message: Fields })[];
  const message = choice?.message ?? {};
  const calls = (message['tool_calls'] ?? []) as readonly {
    id: string;
    function: { name: string; arguments: string };
  }[];
  return {
    content: (message['content'] as string | null) ?? '',
    reasoning: (message['reasoning_content'] as string | undefined) ?? '',
    refusal: (message['refusal'] as string | null) ?? '',
    calls: calls.map(({ id, function: { name, arguments: input } }) => ({ id, name, input })),
    details: joinedDetails((message['reasoning_details'] ?? []) as readonly Fields[]),
    finish: choice?.finish_reason ?? undefined,
    native: choice?.native_finish_reason,
    usage: completion.usage,
  };
}

/** Entries of one index are one: their texts follow one another, and their signature comes once. */
function joinedDetails(details: readonly Fields[]): readonly Fields[] {
  const entries: Record<string, unknown>[] = [];
  for (const detail of details) {
    const known = entries.find(
      ({ index, type }) => index !== undefined && index === detail['index'] && type === detail['type'],
    );
    if (known === undefined) entries.push({ ...detail });
    else
      for (const [field, value] of Object.entries(detail))
        known[field] = field === 'text' ? `${(known['text'] as string | undefined) ?? ''}${String(value)}` : value;
  }
  return entries.map(({ text, ...rest }) => (text === '' || text === undefined ? rest : { ...rest, text }));
}
