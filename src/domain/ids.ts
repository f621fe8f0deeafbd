import { createHash, randomUUID } from 'node:crypto';

/** 32 hex digits that nobody can guess. */
const random = (): string => randomUUID().replaceAll('-', '');

export const newRequestId = (): string => `req_${random()}`;
export const newCompletionId = (): string => `chatcmpl-${random()}`;

/** The longest tool-call id the contract allows. */
export const MAX_TOOL_CALL_ID = 40;

/** The same long id always becomes the same short one, so a call and its result still find each other. */
export function shortToolCallId(id: string): string {
  return `call_${createHash('sha256').update(id).digest('hex').slice(0, 24)}`;
}
