import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { startGateway, type Gateway } from '../../support/gateway.js';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly at: number;
}

/** A gateway whose models are simulated, and the requests it got. */
export interface Stage extends Gateway {
  readonly seen: readonly SeenRequest[];
  /** The record of the request with this tag, once there is one. */
  recordOf(tag: string): Promise<Readonly<Record<string, unknown>>>;
}

const simulated = (model: string, simulator?: object) => ({
  targets: [{ provider: 'simulator', model }],
  retries: 0,
  ...(simulator && { defaults: { simulator } }),
});

/** For clients that cannot send fields of their own: models that fail in one way each. */
const FAULTY = {
  limited: simulated('simulator', { fault: '429' }),
  broken: simulated('simulator', { fault: '500' }),
  cut: simulated('simulator', { fault: 'cut', after_chunks: 4 }),
};

export async function startStage(): Promise<Stage> {
  const gateway = await startGateway({
    config: {
      server: { bodyLimit: '256kb' },
      providers: { simulator: {} },
      models: { 'gpt-4o': simulated('simulator'), 'gpt-4': simulated('simulator'), ...FAULTY },
    },
  });
  const seen: SeenRequest[] = [];
  gateway.app
    .getHttpServer()
    .on('request', ({ method = '', url = '', headers }: IncomingMessage) =>
      seen.push({ method, url, headers, at: performance.now() }),
    );
  return { ...gateway, seen, recordOf: (tag) => recordOf(gateway, tag), close: () => closeAtOnce(gateway) };
}

/** Clients hold connections that they opened and never used, and a server that closes waits for these. */
export function closeAtOnce(gateway: Gateway): Promise<void> {
  gateway.app.getHttpServer().closeAllConnections();
  return gateway.close();
}

/** A record is written just after the connection closes, so it is asked for until it is there. */
async function recordOf(gateway: Gateway, tag: string): Promise<Readonly<Record<string, unknown>>> {
  for (let tries = 0; tries < 100; tries++) {
    const list = (await (await gateway.admin('GET', `/admin/requests?tag=${tag}`)).json()) as {
      readonly data: readonly Readonly<Record<string, unknown>>[];
    };
    if (list.data[0] !== undefined) return list.data[0];
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`No record has the tag ${tag}.`);
}
