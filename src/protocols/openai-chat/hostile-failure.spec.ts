import { Secret } from '../../domain/secret.js';
import { chatFailure } from './failure.js';
import { openaiChat } from './index.js';

const failure = (body: string) => chatFailure({ status: 400, headers: {}, body });
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

describe('a provider that means no good', () => {
  it.each([
    ['an account nested without end', `{"error":{"message":"no","innererror":${nested(50_000)}}}`],
    ['details nested without end', `{"detail":${nested(50_000)}}`],
  ])('%s is left out, and the rest is told', (_, body) => {
    const error = failure(body).masking(new Secret('a-long-secret-key'), 'http://10.0.0.1/v1');
    expect(error.status).toBe(400);
    expect(error.extra).toBeUndefined();
  });

  it.each([
    ['words that almost say it is too long', JSON.stringify({ error: { message: 'input token '.repeat(20_000) } })],
    ['a page of opening brackets', '<'.repeat(250_000)],
    ['a page of scripts', '<script>'.repeat(30_000)],
  ])('%s cost no time', (_, body) => {
    const start = performance.now();
    failure(body);
    expect(performance.now() - start).toBeLessThan(500);
  });

  it('is not held in memory for ever where it answers a stream with a body', () => {
    const decoder = openaiChat({}).stream({ id: 'x', created: 1, model: 'm', asked: {} }, false);
    const piece = Buffer.alloc(8 * 1024 * 1024, ' ');
    decoder.next(Buffer.from('{'), () => undefined);
    const feed = () => {
      for (let n = 0; n < 20; n += 1) decoder.next(piece, () => undefined);
    };
    expect(feed).toThrow('too large');
  });
});

describe('masking', () => {
  it('takes no common word for a key', () => {
    const error = failure(JSON.stringify({ error: { message: 'ollama has no such model' } }));
    expect(error.masking(new Secret('ollama'), 'http://127.0.0.1/v1').message).toBe('ollama has no such model');
  });
});
