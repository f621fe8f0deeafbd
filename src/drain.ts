import { Logger } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { setTimeout as pause } from 'node:timers/promises';
import { ShuttingDownError } from './domain/errors.js';
import { Readiness } from './health/readiness.js';
import type { GatewayExpressAdapter } from './http/express.adapter.js';
import { Intake } from './http/intake.js';
import { OpenRequests } from './routing/open-requests.js';

/** What a client has to take the end of an answer that was cut. */
const LAST_WORDS_MS = 2_000;

/** Stops the gateway: what is open may go on for `drainMs`, the rest is told why it ends, and all of it is recorded. */
export async function drain(app: NestExpressApplication, drainMs: number): Promise<void> {
  const [intake, open] = [app.get(Intake), app.get(OpenRequests)];
  const adapter = app.getHttpAdapter() as GatewayExpressAdapter;
  app.get(Readiness).draining();
  intake.stop();
  adapter.drain();
  // In this order: a request that was taken on may still be on its way to the router; and one may outlive its client.
  const over = intake.none().then(() => open.none());
  if (!(await isOver(over, drainMs))) {
    new Logger('Parley').warn(`${open.size} answers were not finished within ${drainMs} ms and are cut.`);
    open.cutAll(new ShuttingDownError());
    await isOver(over, LAST_WORDS_MS);
  }
  adapter.cutConnections();
  await app.close();
}

function isOver(over: Promise<void>, withinMs: number): Promise<boolean> {
  return Promise.race([over.then(() => true), pause(withinMs, false, { ref: false })]);
}
