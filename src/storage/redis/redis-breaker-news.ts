import { randomUUID } from 'node:crypto';
import { BreakerNews, type BreakerNewsItem } from '../../availability/breaker-news.js';
import type { RedisServer } from './redis-server.js';

/** The channel, and the sorted set of the breakers that are open: by when they no longer are, in ms since 1970. */
const BREAKERS = 'parley:breakers';
/** Longer than a breaker stays open. */
const KEPT_MS = 300_000;
/** Of more than these a replica that starts learns by failing itself. */
const MOST_TOLD = 1_000;

type Listener = (item: BreakerNewsItem) => void;

/** News of breakers over a channel; what is open also stands in a set, for replicas that start later. */
export class RedisBreakerNews extends BreakerNews {
  /** By which a replica knows its own news when they come back. */
  readonly #from = randomUUID();

  constructor(private readonly server: RedisServer) {
    super();
  }

  /** While Redis is away nothing is kept for later: it would be no news then. */
  override publish(item: BreakerNewsItem): void {
    if (!this.server.isUp) return;
    const { upstream, credential, openUntil } = item;
    const member = JSON.stringify([upstream, credential]);
    const batch = this.server.commands.pipeline();
    if (openUntil === null) batch.zrem(BREAKERS, member);
    else batch.zadd(BREAKERS, openUntil, member);
    batch
      .zremrangebyscore(BREAKERS, '-inf', Date.now())
      .pexpire(BREAKERS, KEPT_MS)
      .publish(BREAKERS, JSON.stringify({ ...item, from: this.#from }))
      .exec()
      .catch(() => undefined); // the connection broke, of which the server's log line tells
  }

  override subscribe(listener: Listener): void {
    this.server.listen(
      BREAKERS,
      (message) => {
        const told = parsed(message);
        if (isItem(told) && told.from !== this.#from) listener(told);
      },
      () => {
        this.#catchUp(listener).catch(() => undefined); // likewise
      },
    );
  }

  async #catchUp(listener: Listener): Promise<void> {
    if (!this.server.isUp) return;
    const { commands } = this.server;
    const told = await commands.zrangebyscore(BREAKERS, Date.now(), '+inf', 'WITHSCORES', 'LIMIT', 0, MOST_TOLD);
    for (let index = 0; index < told.length; index += 2) {
      const member = parsed(told[index] ?? '');
      const [upstream, credential] = Array.isArray(member) ? (member as unknown[]) : [];
      const item = { upstream, credential, openUntil: Number(told[index + 1]) };
      if (isItem(item)) listener(item);
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Anyone may write to a channel. */
function isItem(told: unknown): told is BreakerNewsItem & { readonly from?: unknown } {
  if (typeof told !== 'object' || told === null) return false;
  const { upstream, credential, openUntil } = told as Partial<Record<keyof BreakerNewsItem, unknown>>;
  const isTime = openUntil === null || (typeof openUntil === 'number' && Number.isFinite(openUntil));
  return isName(upstream) && upstream.includes('/') && isName(credential) && isTime;
}

/** As long as a model's name may be, with its provider's in front. */
const LONGEST_NAME = 1_024;

const isName = (told: unknown): told is string => typeof told === 'string' && told.length <= LONGEST_NAME;
