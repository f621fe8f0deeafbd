import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { AddressInfo } from 'node:net';
import { FirstKey } from './access/first-key.js';
import { AppModule } from './app.module.js';
import type { Config } from './config/config.js';
import { notYetInForce } from './config/config-warnings.js';
import type { ConfigSource } from './config/load-config.js';
import { drain } from './drain.js';
import { welcome } from './welcome.js';
import { Readiness } from './health/readiness.js';
import { GatewayExpressAdapter } from './http/express.adapter.js';
import { prepareHttp } from './http/prepare-http.js';
import { PinoLogger } from './observability/pino-logger.js';
import { RouteTable } from './routing/route-table.js';

/** Builds the application of a config, ready to listen. */
export async function createGateway(config: Config, source: ConfigSource): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(
    AppModule.forRoot(config, source),
    new GatewayExpressAdapter(),
    {
      bodyParser: false, // Nest's would hold a stranger's body, and throws its text away
      logger: new PinoLogger(config.logLevel),
      abortOnError: false,
    },
  );
  prepareHttp(app);
  await app.init();
  return app;
}

/** Starts the gateway, says where it is, and stops it when the process is told to end. */
export async function serve(config: Config, source: ConfigSource): Promise<void> {
  const app = await createGateway(config, source);
  const log = new Logger('Parley');
  for (const part of notYetInForce(config)) log.warn(`This version does not act on ${part} yet.`);
  const { host, port, drainTimeout } = config.server;
  stopOnSignal(app, log, drainTimeout); // before the first request: one that is open then is finished, too
  await app.listen(port, host);
  app.get(Readiness).ready();
  log.log(`Listening on ${await app.getUrl()}`);
  const key = await app.get(FirstKey).ensure();
  if (key !== undefined) {
    const url = addressFor(host, boundPort(app));
    process.stdout.write(welcome({ url, key, models: app.get(RouteTable).list() }));
  }
}

/** The port that was taken, which the config does not say where it says 0. */
function boundPort(app: NestExpressApplication): number {
  return (app.getHttpServer().address() as AddressInfo).port;
}

/** Where somebody on this machine reaches the gateway: an address that stands for all of them is not one to call. */
function addressFor(host: string, port: number): string {
  if (host === '0.0.0.0' || host === '::') return `http://127.0.0.1:${port}`;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** `npm start` passes on what a terminal's Ctrl-C has sent already: that is one signal, and not a second. */
const SAME_SIGNAL_MS = 100;

/** The first signal lets open answers finish, a second one ends the process at once. */
function stopOnSignal(app: NestExpressApplication, log: Logger, drainMs: number): void {
  let toldAt: number | undefined;
  const stop = (signal: NodeJS.Signals) => {
    if (toldAt !== undefined) {
      if (performance.now() - toldAt > SAME_SIGNAL_MS) process.exit(1);
      return;
    }
    toldAt = performance.now();
    log.log(`${signal}: open answers are finished first.`);
    drain(app, drainMs).then(
      () => process.exit(0),
      (error: unknown) => {
        log.error(error);
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop);
}
