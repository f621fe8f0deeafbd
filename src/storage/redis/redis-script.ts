import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';

/** A script that is sent once, and called by its name from then on. */
export class RedisScript {
  readonly #name: string;

  constructor(private readonly text: string) {
    this.#name = createHash('sha1').update(text).digest('hex');
  }

  /** Those that are run next on this connection find it there, and stay in their order. */
  async load(redis: Redis): Promise<void> {
    await redis.script('LOAD', this.text);
  }

  async run(redis: Redis, keys: readonly string[], values: readonly (string | number)[]): Promise<unknown> {
    try {
      return await redis.evalsha(this.#name, keys.length, ...keys, ...values);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return redis.eval(this.text, keys.length, ...keys, ...values);
    }
  }
}
