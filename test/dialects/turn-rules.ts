import type { Vendor } from './vendor-types.js';

type Json = Readonly<Record<string, unknown>>;

/** What no type can say of a request's turns and its provider refuses. Each sentence names one broken rule. */
export function brokenTurnRules(vendor: Vendor, body: string): readonly string[] {
  return RULES[vendor](JSON.parse(body) as Json);
}

interface Turn {
  readonly role: string;
  readonly blocks: readonly Json[];
}

interface Reading {
  readonly answering: string;
  readonly calls: (block: Json) => readonly string[];
  readonly results: (block: Json) => readonly string[];
  readonly text: (block: Json) => string | undefined;
}

const blocksOf = (content: unknown): readonly Json[] =>
  typeof content === 'string' ? [{ type: 'text', text: content }] : (content as readonly Json[]);

const RULES: Readonly<Record<Vendor, (body: Json) => readonly string[]>> = {
  anthropic: (body) =>
    broken(
      (body['messages'] as readonly Json[]).map(({ role, content }) => ({
        role: String(role),
        blocks: blocksOf(content),
      })),
      {
        answering: 'assistant',
        calls: ({ type, id }) => (type === 'tool_use' ? [String(id)] : []),
        results: ({ type, tool_use_id: id }) => (type === 'tool_result' ? [String(id)] : []),
        text: ({ type, text }) => (type === 'text' ? String(text) : undefined),
      },
    ),
  gemini: (body) =>
    broken(
      (body['contents'] as readonly Json[]).map(({ role, parts }) => ({
        role: String(role),
        blocks: parts as readonly Json[],
      })),
      {
        answering: 'model',
        calls: ({ functionCall }) => (functionCall === undefined ? [] : [String((functionCall as Json)['name'])]),
        results: ({ functionResponse }) =>
          functionResponse === undefined ? [] : [String((functionResponse as Json)['name'])],
        text: ({ text, thoughtSignature }) =>
          typeof text === 'string' && thoughtSignature === undefined ? text || ' ' : undefined,
      },
    ),
  bedrock: (body) =>
    broken(
      (body['messages'] as readonly Json[]).map(({ role, content }) => ({
        role: String(role),
        blocks: content as readonly Json[],
      })),
      {
        answering: 'assistant',
        calls: ({ toolUse }) => (toolUse === undefined ? [] : [String((toolUse as Json)['toolUseId'])]),
        results: ({ toolResult }) => (toolResult === undefined ? [] : [String((toolResult as Json)['toolUseId'])]),
        text: ({ text }) => (typeof text === 'string' ? text : undefined),
      },
    ),
};

function broken(all: readonly Turn[], { answering, calls, results, text }: Reading): readonly string[] {
  const turns = all.filter(({ role }) => role !== 'system');
  const faults: string[] = [];
  if (turns[0]?.role === answering || turns[0] === undefined) faults.push('the first turn is not the user’s');
  if (turns.at(-1)?.role === answering) faults.push('the last turn is the model’s');
  all.forEach(({ role }, at) => {
    if (role === all[at + 1]?.role) faults.push(`turns ${at} and ${at + 1} are both ${role}’s`);
  });
  turns.forEach(({ role, blocks }, at) => {
    if (blocks.length === 0) faults.push(`turn ${at} is empty`);
    if (answering !== 'model' && blocks.some((block) => text(block)?.trim() === ''))
      faults.push(`turn ${at} has a blank text`);
    const asked = role === answering ? blocks.flatMap(calls) : [];
    const answered = role === answering ? (turns[at + 1]?.blocks ?? []).flatMap(results) : undefined;
    if (answered !== undefined && JSON.stringify(asked.toSorted()) !== JSON.stringify(answered.toSorted()))
      faults.push(`turn ${at} calls ${asked.join()} and is answered ${answered.join()}`);
  });
  if (turns[0]?.blocks.some((block) => results(block).length > 0)) faults.push('a result without a call');
  return faults;
}
