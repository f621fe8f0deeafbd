import { UpstreamError } from '../../domain/errors.js';
import type { AnswerFacts } from '../protocol.js';
import { isObject, isShallow, parsedJson, type Json } from '../json.js';
import type { Reasoning } from './reasoning-state.js';

/** Lenient reading of what Converse sends: anything may be missing, null or of another type. */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
export const objectOf = (value: unknown): Json => (isObject(value) ? value : {});
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);

/** The answer as an object. Throws UpstreamError for anything else. */
export function answerIn(body: Buffer): Json {
  const wire = parsedJson(body.toString('utf8'));
  if (isObject(wire)) return wire;
  throw new UpstreamError('The provider answered with something that is not a completion.', {
    code: 'invalid_upstream_answer',
  });
}

/** The blocks of a whole answer. Throws UpstreamError where it has no message. */
export function contentIn(wire: Json): readonly unknown[] {
  const content = objectOf(objectOf(wire['output'])['message'])['content'];
  if (Array.isArray(content)) return content;
  throw new UpstreamError('The provider answered without a message.', { code: 'invalid_upstream_answer' });
}

/** Reasoning of a whole answer or of one event: Converse uses the same words for both, and some models older ones. */
export function reasoningIn(content: unknown): Reasoning {
  const wire = objectOf(content);
  const { text, signature } = isObject(wire['reasoningText']) ? wire['reasoningText'] : wire;
  const redacted = wire['redactedContent'] ?? objectOf(wire['redactedReasoning'])['data'] ?? wire['data'];
  return {
    text: textOf(text),
    signature: textOf(signature),
    redacted: Buffer.from(textOf(redacted), 'base64').toString('latin1'),
  };
}

/** A tool that the client has to run; those that ran at Bedrock are none of its business. */
export const isClientTool = ({ type }: Json): boolean => type !== 'server_tool_use';

/** The client's own name of a tool. */
export const toolName = (name: string, { asked }: AnswerFacts): string => asked.toolNames?.get(name) ?? name;

/** Deeper arguments would overflow the stack of whoever writes them. */
const DEEPEST_INPUT = 500;

/** A tool's input as the text that clients parse. */
export function inputText(input: unknown): string {
  if (isShallow(input, DEEPEST_INPUT)) return JSON.stringify(input);
  throw new UpstreamError('The provider sent arguments that are nested too deeply.', {
    code: 'invalid_upstream_answer',
  });
}
