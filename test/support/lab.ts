import { startGateway, type Gateway } from './gateway.js';
import { startUpstream, type FakeUpstream, type Script } from './upstream.js';

/** Of no form that anybody could recognise as a key: only who sent it can tell. */
export const CREDENTIAL = '0123456789abcdef0123456789ABCDEF';

/** A gateway in front of one provider that does as it is told. */
export interface Lab {
  readonly gateway: Gateway;
  readonly upstream: FakeUpstream;
  /** Asks once, of a provider that answers by the script. */
  ask(script: Script, more?: object): Promise<LabAnswer>;
  close(): Promise<void>;
}

export interface LabAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export async function startLab(): Promise<Lab> {
  const upstream = await startUpstream();
  const gateway = await startGateway({
    config: {
      providers: { lab: { type: 'openai-compatible', baseUrl: upstream.url, apiKey: CREDENTIAL } },
      // Every failure is to be seen by itself.
      models: { 'lab/m': { targets: [{ provider: 'lab', model: 'm' }], retries: 0 } },
    },
  });
  return {
    gateway,
    upstream,
    ask: async (script, more = {}) => {
      upstream.play(script);
      const response = await gateway.chat({ model: 'lab/m', ...more });
      return { status: response.status, headers: Object.fromEntries(response.headers), text: await response.text() };
    },
    close: async () => {
      await gateway.close();
      await upstream.close();
    },
  };
}
