// The same stream of words in the dialects that the gateway translates.
import { CHUNKS } from './scenarios.mjs';

const claude = (data) => Buffer.from(`event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`);
const gemini = (parts, told, more = {}) =>
  Buffer.from(
    `data: ${JSON.stringify({
      candidates: [{ content: { parts, role: 'model' }, index: 0, ...more }],
      usageMetadata: { promptTokenCount: 200, candidatesTokenCount: told, totalTokenCount: 200 + told },
      modelVersion: 'bench',
      responseId: 'bench',
    })}\r\n\r\n`,
  );

const USAGE = { input_tokens: 200, output_tokens: CHUNKS };
const MESSAGE = { id: 'msg_bench', type: 'message', role: 'assistant', model: 'bench', content: [], usage: USAGE };

const WORDS = CHUNKS - 2;

/** The whole stream, a write each. */
export const CLAUDE = [
  claude({ type: 'message_start', message: MESSAGE }),
  claude({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
  ...Array(WORDS).fill(claude({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: ' word' } })),
  claude({ type: 'content_block_stop', index: 0 }),
  claude({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: USAGE }),
  claude({ type: 'message_stop' }),
];

/** Google's counts are other ones in every event. */
export const GEMINI = [
  ...Array.from({ length: WORDS }, (_, at) => gemini([{ text: ' word' }], at)),
  gemini([{ text: '' }], CHUNKS, { finishReason: 'STOP' }),
];
