import { Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { Redis, RedisOptions } from 'ioredis';
import type { Secret } from '../../domain/secret.js';
import type { Dependency } from '../storage-health.js';

/** What is shared through Redis is worth little when it is late: nothing waits longer for it. */
const PATIENCE_MS = 1_000;
const [FIRST_RETRY_MS, LONGEST_RETRY_MS] = [200, 5_000];
const KEEP_ALIVE_MS = 15_000;

/** While Redis is away commands fail at once and none is kept for later; the connection is sought for ever. */
const OPTIONS: RedisOptions = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false, // whoever listens subscribes at every start of the connection
  maxRetriesPerRequest: 0,
  connectTimeout: 2 * PATIENCE_MS,
  commandTimeout: PATIENCE_MS,
  socketTimeout: 2 * PATIENCE_MS, // a peer that vanished without a word would be believed in for a quarter of an hour
  keepAlive: KEEP_ALIVE_MS,
  disableClientInfo: true,
  retryStrategy: (times) => Math.min(times * FIRST_RETRY_MS, LONGEST_RETRY_MS),
};

/** A Redis or Valkey that may be away: the gateway then does without it. */
export class RedisServer implements Dependency, OnApplicationShutdown {
  readonly name = 'redis';
  readonly tellsOfItself = true;
  readonly #log = new Logger('Redis');
  readonly #connections: Redis[] = [];
  #wasUp = true;

  /** The package is loaded only where it is used. Does not wait for the server. */
  static async open(url: Secret): Promise<RedisServer> {
    const { Redis } = await import('ioredis');
    return new RedisServer(() => new Redis(url.reveal(), OPTIONS));
  }

  /** For commands. */
  readonly commands: Redis;

  constructor(private readonly connect: () => Redis) {
    this.commands = this.#open();
    this.commands.on('ready', () => this.#cameUp());
    this.commands.on('error', (error) => this.#wentDown(error.message));
    this.commands.on('close', () => this.#wentDown('the connection was closed'));
  }

  get isUp(): boolean {
    return this.commands.status === 'ready';
  }

  /** Listens to a channel; `onStart` is called whenever something may have been missed and can be asked for. */
  listen(channel: string, onMessage: (message: string) => void, onStart: () => void): void {
    const connection = this.#open();
    connection.on('message', (_, message) => onMessage(message));
    connection.on('ready', () => {
      connection.subscribe(channel).then(onStart, (error: Error) => {
        // A connection that is lost or silent is reported as such, and made anew.
        if (error.name === 'ReplyError') this.#log.error(`Redis does not let this gateway listen: ${error.message}`);
      });
    });
    this.commands.on('ready', onStart);
  }

  /** Rejects when it does not answer within a second. */
  async check(): Promise<void> {
    await this.commands.ping();
  }

  onApplicationShutdown(): void {
    this.#wasUp = false; // that it is left is no news
    for (const connection of this.#connections) connection.disconnect();
  }

  #open(): Redis {
    const connection = this.connect();
    this.#connections.push(connection);
    connection.on('error', () => undefined); // one that nobody listens to is written to the console
    connection.connect().catch(() => undefined); // an event tells of the error, and it is tried again
    return connection;
  }

  #cameUp(): void {
    if (!this.#wasUp) this.#log.log('Redis is up again.');
    this.#wasUp = true;
  }

  #wentDown(reason: string): void {
    if (this.#wasUp) this.#log.error(`Redis is down, and done without: ${reason}`);
    this.#wasUp = false;
  }
}
