import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { OverloadedError, ShuttingDownError, type GatewayError } from '../domain/errors.js';
import { EventLoopDelay } from './event-loop-delay.js';

/** More requests under way than this are refused at once: each of them may hold a body and a connection upstream. */
const MAX_UNDER_WAY = 5_000;
/** What those who watch the gateway ask for, again and again: while it is overloaded too, and to its last moment. */
export const WATCHED: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics']);

/** Whether the gateway takes on a new request: a refusal at once is worth more than an answer too late. */
@Injectable()
export class Intake {
  #underWay = 0;
  #isStopped = false;
  #waiting: (() => void)[] = [];

  constructor(private readonly delay: EventLoopDelay) {}

  /** Requests that have come and whose answer has not ended. */
  get underWay(): number {
    return this.#underWay;
  }

  /** A request has come; `leave` is owed for it, refused or not. */
  enter(): void {
    this.#underWay += 1;
  }

  leave(): void {
    this.#underWay -= 1;
    if (this.#underWay === 0) for (const tell of this.#waiting.splice(0)) tell();
  }

  /** Looks at no more than the head of the request: its body is not worth reading. */
  refusalOf({ method, url = '' }: IncomingMessage): GatewayError | undefined {
    if (isWatch(method, url)) return undefined;
    if (this.#isStopped) return new ShuttingDownError();
    if (this.#underWay > MAX_UNDER_WAY)
      return new OverloadedError('The gateway has too many requests under way.', 1_000);
    if (method === 'POST' && this.delay.isLate)
      return new OverloadedError('The gateway is too busy to answer in time.', 500 + Math.random() * 1_000);
    return undefined;
  }

  /** From now on nothing is taken. */
  stop(): void {
    this.#isStopped = true;
  }

  /** When no request is under way, at once if so. */
  none(): Promise<void> {
    return this.#underWay === 0 ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }
}

function isWatch(method: string | undefined, url: string): boolean {
  return (method === 'GET' || method === 'HEAD') && WATCHED.has(url.split('?', 1)[0] ?? '');
}
