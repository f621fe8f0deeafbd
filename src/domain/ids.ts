import { createHash, randomUUID } from 'node:crypto';

/** 32 hex digits that nobody can guess. */
const random = (): string => randomUUID().replaceAll('-', '');

/** It begins with the time: an index over such ids grows at its end, where one over random ones is torn open everywhere. */
export const newRequestId = (): string => `req_${Date.now().toString(16).padStart(12, '0')}${random().slice(12)}`;
export const newCompletionId = (): string => `chatcmpl-${random()}`;

/** The longest tool-call id the contract allows. */
export const MAX_TOOL_CALL_ID = 40;

/** The same long id always becomes the same short one, so a call and its result still find each other. */
export function shortToolCallId(id: string): string {
  return `call_${createHash('sha256').update(id).digest('hex').slice(0, 24)}`;
}
