import { Agent, request } from 'undici';
import { isObject } from '../../protocols/json.js';

/** A model server that runs on this machine and has said which models it serves. */
export interface FoundServer {
  readonly type: 'ollama' | 'lm-studio' | 'llama-cpp' | 'vllm';
  /** For people. */
  readonly name: string;
  /** With its version segment, as in the config. */
  readonly baseUrl: string;
  readonly models: readonly string[];
}

/** Where a kind of server listens by default. */
export interface LocalServer {
  readonly type: FoundServer['type'];
  readonly name: string;
  readonly port: number;
}

export interface Search {
  /** Where the gateway itself listens: it must not find itself. */
  readonly ownPort: number;
  /** As in `OLLAMA_HOST`; one that is not on this machine is not asked, and no other Ollama is looked for. */
  readonly ollamaHost?: string | undefined;
  readonly servers?: readonly LocalServer[];
}

const LOCAL_SERVERS: readonly LocalServer[] = [
  { type: 'ollama', name: 'Ollama', port: 11434 },
  { type: 'lm-studio', name: 'LM Studio', port: 1234 },
  { type: 'llama-cpp', name: 'llama.cpp', port: 8080 },
  { type: 'vllm', name: 'vLLM', port: 8000 },
];

const LIMIT_MS = 500;
const MAX_BYTES = 1_000_000;

/** Asks each known port on loopback once, all at the same time, and takes half a second at the most. It never fails. */
export async function findLocalServers({
  ownPort,
  ollamaHost,
  servers = LOCAL_SERVERS,
}: Search): Promise<readonly FoundServer[]> {
  const agent = new Agent({ connections: 1 });
  const signal = AbortSignal.timeout(LIMIT_MS);
  const found = await Promise.all(
    servers.map(async (server) => {
      const port = server.type === 'ollama' ? ollamaPort(ollamaHost, server.port) : server.port;
      if (port === undefined || port === ownPort) return [];
      const baseUrl = `http://127.0.0.1:${String(port)}/v1`;
      const models = await modelsAt(baseUrl, { agent, signal });
      return models === undefined ? [] : [{ type: server.type, name: server.name, baseUrl, models }];
    }),
  );
  await agent.destroy();
  return found.flat();
}

const LOOPBACK = ['localhost', '127.0.0.1', '0.0.0.0', '[::1]', '[::]'];

/** Undefined where the host is another machine. */
function ollamaPort(host: string | undefined, usual: number): number | undefined {
  const given = host?.trim() ?? '';
  if (given === '') return usual;
  if (/^:\d{1,5}$/.test(given)) return Number(given.slice(1));
  const address = given.includes('://') ? given : `http://${given}`;
  if (!URL.canParse(address)) return undefined;
  const { protocol, hostname, port } = new URL(address);
  if (protocol !== 'http:' || !LOOPBACK.includes(hostname)) return undefined;
  // With a scheme and no port Ollama means the scheme's own port.
  if (port !== '') return Number(port);
  return given.includes('://') ? 80 : usual;
}

interface Asking {
  readonly agent: Agent;
  readonly signal: AbortSignal;
}

/** Undefined: nobody there, or not a model server. */
async function modelsAt(baseUrl: string, { agent, signal }: Asking): Promise<readonly string[] | undefined> {
  try {
    const { statusCode, body } = await request(`${baseUrl}/models`, {
      dispatcher: agent,
      signal,
      headers: { accept: 'application/json' },
    });
    const pieces: Buffer[] = [];
    let length = 0;
    for await (const piece of body as AsyncIterable<Buffer>) {
      length += piece.length;
      if (length > MAX_BYTES) return undefined;
      pieces.push(piece);
    }
    return statusCode !== 200 ? undefined : modelIds(JSON.parse(Buffer.concat(pieces).toString()));
  } catch {
    // A closed port, a slow or a talkative stranger, and something that is not JSON all mean the same: not found.
    return undefined;
  }
}

/** An open port proves nothing: only a list of models in OpenAI's shape does. */
function modelIds(answer: unknown): readonly string[] | undefined {
  if (!isObject(answer) || answer['object'] !== 'list' || !Array.isArray(answer['data'])) return undefined;
  const ids = (answer['data'] as readonly unknown[]).map((model) => (isObject(model) ? model['id'] : undefined));
  return ids.every(isModelId) ? ids : undefined;
}

/** Of the form that ids have: it goes into logs, lists, and commands that people paste. */
function isModelId(id: unknown): id is string {
  return typeof id === 'string' && /^[\w.:@/+-]{1,256}$/.test(id);
}
