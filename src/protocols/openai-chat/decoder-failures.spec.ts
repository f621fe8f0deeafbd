import { GatewayError } from '../../domain/errors.js';
import { openaiChat } from './index.js';

const FACTS = { id: 'chatcmpl-ours', created: 1_700_000_000, model: 'asked-model', asked: {} };
const HEAD = {
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1_750_000_000,
  model: 'wire-model',
};
const DONE = 'data: [DONE]\n\n';

const stream = (...data: readonly object[]) => data.map((each) => `data: ${JSON.stringify(each)}\n\n`).join('');
const chunk = (delta: object, finish: string | null = null) => ({
  ...HEAD,
  choices: [{ index: 0, delta, finish_reason: finish }],
});
const ROLE = chunk({ role: 'assistant', content: '' });
const HI = chunk({ content: 'Hi' });

/** What was sent of a stream before it failed, and the failure. */
function decode(
  wire: string,
  size = Infinity,
): { readonly text: string; readonly frames: number; readonly error: unknown } {
  const decoder = openaiChat({}).stream(FACTS, false);
  const bytes = Buffer.from(wire);
  const outcome = { text: '', frames: 0, error: undefined as unknown };
  const emit = (frame: { bytes: Uint8Array }) => {
    outcome.text += Buffer.from(frame.bytes).toString();
    outcome.frames += 1;
  };
  try {
    for (let at = 0; at < bytes.length; at += size) decoder.next(bytes.subarray(at, at + size), emit);
    decoder.end(emit);
  } catch (error) {
    outcome.error = error;
  }
  return outcome;
}

describe('a stream that fails', () => {
  it.each<readonly [string, string, Partial<GatewayError>]>([
    ['an error before any output', stream({ error: { message: 'No', code: 429 } }), { status: 429 }],
    ['an error after a role alone', stream(ROLE, { error: { message: 'No', code: 400 } }), { status: 400 }],
    ['an error by its name', `event: error\ndata: {"message":"No","type":"server_error"}\n\n`, { status: 500 }],
    ['an error field', 'error: {"code":500,"message":"No"}\n\n', { status: 500 }],
    ['a flat error', stream({ object: 'error', message: 'No', code: 400 }) + DONE, { status: 400 }],
    [
      'an error in the choice',
      stream({ ...HEAD, choices: [{ index: 0, delta: {}, error: { message: 'No', code: 503 } }] }),
      { status: 503 },
    ],
    ['an event that is not JSON', 'data: {"id":\n\n', { status: 502, code: 'invalid_upstream_answer' }],
    ['an event that is no object', 'data: 12\n\n', { status: 502, code: 'invalid_upstream_answer' }],
    ['a JSON body that is an error', '{"error":{"message":"No","code":429}}', { status: 429 }],
    ['the same behind a byte order mark', '\ufeff{"error":{"message":"No","code":429}}', { status: 429 }],
    ['a list of one error', '[{"error":{"message":"No","code":429}}]', { status: 429 }],
    ['an event that is a list of one error', 'data: [{"error":{"message":"No","code":429}}]\n\n', { status: 429 }],
    ['a list', '[1]', { status: 502, code: 'invalid_upstream_answer' }],
    ['a page of HTML', '<html>No</html>', { status: 502, code: 'invalid_upstream_answer' }],
    ['nothing', '', { code: 'stream_truncated' }],
    ['only comments', ': wait\n\n: wait\n\n', { code: 'stream_truncated' }],
    ['[DONE] alone', DONE, { code: 'stream_truncated' }],
    ['a role and no more', stream(ROLE), { code: 'stream_truncated' }],
  ])('before its first frame: %s', (_, wire, error) => {
    for (const size of [Infinity, 1]) {
      const outcome = decode(wire, size);
      expect(outcome).toMatchObject({ frames: 0, error });
      expect(outcome.error).toBeInstanceOf(GatewayError);
    }
  });

  it.each<readonly [string, string, Partial<GatewayError>]>([
    ['an error in the stream', stream({ error: { message: 'No', code: 429 } }), { status: 429 }],
    [
      'an error beside a choice',
      stream({ ...chunk({ content: '' }, 'error'), error: { message: 'No', code: 502 } }),
      { status: 502 },
    ],
    ['a failing end', stream(chunk({}, 'error')), { status: 502 }],
    ['[DONE] without an end', DONE, { code: 'stream_truncated' }],
    ['no end', '', { code: 'stream_truncated' }],
    ['half an event', 'data: {"id"', { code: 'invalid_upstream_answer' }],
  ])('after what it had said: %s', (_, wire, error) => {
    const outcome = decode(stream(ROLE, HI) + wire);
    expect(outcome).toMatchObject({ text: stream(ROLE, HI), error });
  });
});
