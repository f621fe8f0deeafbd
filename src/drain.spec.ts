import { rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { startGateway } from '../test/support/gateway.js';
import type { GatewayError } from './domain/errors.js';
import { drain } from './drain.js';
import { OpenRequests } from './routing/open-requests.js';

it.each([
  ['ends in time', 5_000, 0],
  ['does not', 60, 1],
])('waits for a request that goes on without its client and %s', async (_, drainMs, cuts) => {
  const { app, dataDir } = await startGateway({ config: { providers: { simulator: {} } } });
  const told: GatewayError[] = [];
  const remove = app.get(OpenRequests).track((error) => {
    told.push(error);
    remove();
  });
  let isOver = false;
  const over = drain(app, drainMs).then(() => (isOver = true));
  await pause(40);
  expect(isOver).toBe(false);
  if (cuts === 0) remove();
  await over;
  expect(told.map(({ code }) => code)).toEqual(Array(cuts).fill('shutting_down'));
  rmSync(dataDir, { recursive: true });
});
