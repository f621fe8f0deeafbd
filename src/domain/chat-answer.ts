import type { ChatCompletion } from './chat.js';
import type { ChatFrame } from './chat-frame.js';
import type { Explanation } from './explanation.js';

/** What a client gets: the whole answer, a stretch of it, or what would become of its request. */
export type ChatAnswer = ChatCompletion | ChatFrame | Explanation;
