import type { ChatMessage, ChatRequest } from '../../../domain/chat.js';

/** What a tool answered, and which. */
export interface ToolResult {
  readonly tool: string;
  readonly text: string;
}

/** The text of the last message of the user; empty where there is none. */
export function lastUserText({ messages }: ChatRequest): string {
  const last = messages.findLast(({ role }) => role === 'user');
  return last === undefined ? '' : textOf(last);
}

/** How many parts of the last message of the user are not text: images, audio, files. */
export function attachments({ messages }: ChatRequest): number {
  const content = messages.findLast(({ role }) => role === 'user')?.content;
  return Array.isArray(content) ? content.filter(({ type }: { type: unknown }) => type !== 'text').length : 0;
}

/** The results the conversation ends with, in order; none where the last word is not a tool's. */
export function toolResults({ messages }: ChatRequest): readonly ToolResult[] {
  const names = new Map(messages.flatMap(callsOf));
  const from = messages.findLastIndex(({ role }) => role !== 'tool' && role !== 'function') + 1;
  return messages.slice(from).map((message) => ({
    tool: names.get(message.tool_call_id ?? '') ?? message.name ?? 'tool',
    text: textOf(message),
  }));
}

/** Names of the tools called since the user last spoke. */
export function calledTools({ messages }: ChatRequest): ReadonlySet<string> {
  const turn = messages.slice(messages.findLastIndex(({ role }) => role === 'user') + 1);
  return new Set(turn.flatMap(callsOf).map(([, name]) => name));
}

function callsOf({
  tool_calls: calls,
  function_call: legacy,
}: ChatMessage): readonly (readonly [id: string, name: string])[] {
  const found = (calls ?? []).map(({ id, ...call }) => [id, (call.function ?? call.custom)?.name ?? ''] as const);
  const named = typeof legacy === 'object' && legacy !== null && 'name' in legacy && typeof legacy.name === 'string';
  return named ? [...found, ['', legacy.name as string]] : found;
}

function textOf({ content }: ChatMessage): string {
  if (typeof content === 'string') return content;
  const parts = (content ?? []).map(({ text }) => text).filter((text) => typeof text === 'string');
  return parts.join('\n');
}
