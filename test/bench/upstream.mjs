// An upstream that answers at once. The model name says how: `plain` answers in JSON or, streamed, with all chunks in
// one go, a write each; `paced` writes a chunk every 10 ms; `short` streams a few chunks at once. The paths of Anthropic
// and Gemini get the stream in their dialects.
import { createServer } from 'node:http';
import { CLAUDE, GEMINI } from './dialects.mjs';
import { CHUNKS } from './scenarios.mjs';

const ID = { id: 'chatcmpl-bench', created: 1_700_000_000, model: 'bench', system_fingerprint: 'fp_bench' };
const USAGE = { prompt_tokens: 200, completion_tokens: CHUNKS, total_tokens: 200 + CHUNKS };
const chunk = (choices, more = {}) =>
  Buffer.from(`data: ${JSON.stringify({ object: 'chat.completion.chunk', ...ID, choices, ...more })}\n\n`);
const choice = (delta, finish_reason = null) => [{ index: 0, delta, logprobs: null, finish_reason }];

const FIRST = chunk(choice({ role: 'assistant', content: '', refusal: null }));
const WORD = chunk(choice({ content: ' word' }));
const FINISH = chunk(choice({}, 'stop'));
const USAGE_CHUNK = chunk([], { usage: USAGE });
const DONE = Buffer.from('data: [DONE]\n\n');
const COMPLETION = Buffer.from(
  JSON.stringify({
    object: 'chat.completion',
    ...ID,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: 'An answer of a few words.', refusal: null },
        logprobs: null,
        finish_reason: 'stop',
      },
    ],
    usage: USAGE,
  }),
);

const words = (count) => Array.from({ length: count }, () => WORD);
/** By the path: only the gateway asks in another dialect than OpenAI's. */
function dialectOf(path) {
  if (path.startsWith('/v1/messages')) return CLAUDE;
  return path.includes(':streamGenerateContent') ? GEMINI : undefined;
}

const end = (asked) => (asked ? [FINISH, USAGE_CHUNK, DONE] : [FINISH, DONE]);

function burst(response, asked, count) {
  for (const event of [FIRST, ...words(count), ...end(asked)]) response.write(event);
  response.end();
}

function pace(response, asked) {
  let left = CHUNKS - 2;
  response.write(FIRST);
  const timer = setInterval(() => {
    if (left > 0) response.write(WORD);
    else response.end(Buffer.concat(end(asked)), () => clearInterval(timer));
    left -= 1;
  }, 10);
  response.on('close', () => clearInterval(timer));
}

const server = createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const body = Buffer.concat(parts);
    const dialect = dialectOf(request.url);
    if (dialect !== undefined) {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
      for (const event of dialect) response.write(event);
      response.end();
      return;
    }
    if (!body.includes('"stream":true')) {
      response
        .writeHead(200, { 'content-type': 'application/json', 'content-length': COMPLETION.length })
        .end(COMPLETION);
      return;
    }
    const asked = body.includes('"include_usage":true');
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
    if (body.includes('"model":"paced"')) pace(response, asked);
    else burst(response, asked, body.includes('"model":"short"') ? 8 : CHUNKS - 2);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
