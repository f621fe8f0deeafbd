import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'undici';
import type { GatewayProcess } from '../support/process.js';

/** What a process holds once its garbage is collected. */
export interface Holdings {
  readonly rssMb: number;
  readonly heapMb: number;
  /** Timers that keep the process alive. */
  readonly timers: number;
  /** Open sockets, listening ones included. */
  readonly sockets: number;
}

/** So that Node can be asked on this port what a process holds; it says so nowhere. */
export const inspectable = (port: number): readonly string[] => [
  `--inspect=127.0.0.1:${port}`,
  '--inspect-publish-uid=http',
];

const QUESTION = 'JSON.stringify({ memory: process.memoryUsage(), resources: process.getActiveResourcesInfo() })';
const MB = 1024 ** 2;

/** Looks into a gateway that was started as `inspectable`. */
export async function holdingsOf(gateway: GatewayProcess, port: number): Promise<Holdings> {
  const sockets = openSockets(gateway.pid);
  const [target] = (await (
    await fetch(`http://127.0.0.1:${port}/json/list`, { headers: { connection: 'close' } })
  ).json()) as readonly { readonly webSocketDebuggerUrl: string }[];
  const ask = await session(target?.webSocketDebuggerUrl ?? '');
  // What the first collection finalizes, the second one frees.
  await ask('HeapProfiler.collectGarbage');
  await ask('HeapProfiler.collectGarbage');
  const { result } = (await ask('Runtime.evaluate', { expression: QUESTION })) as { result: { value: string } };
  await ask(undefined);
  const { memory, resources } = JSON.parse(result.value) as {
    readonly memory: NodeJS.MemoryUsage;
    readonly resources: readonly string[];
  };
  return {
    rssMb: Math.round(memory.rss / MB),
    heapMb: Math.round((memory.heapUsed / MB) * 10) / 10,
    timers: resources.filter((name) => name === 'Timeout').length,
    sockets,
  };
}

/** By what the kernel lists: nothing of the process itself needs to be believed. */
function openSockets(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).filter((name) => isSocket(`${folder}/${name}`)).length;
}

function isSocket(file: string): boolean {
  try {
    return readlinkSync(file).startsWith('socket:');
  } catch {
    return false; // closed in the mean time
  }
}

/** Waits until there are no more open sockets than this; returns how many there are in the end. */
export async function settledSockets({ pid }: GatewayProcess, most: number, withinMs: number): Promise<number> {
  for (const until = performance.now() + withinMs; performance.now() < until; await pause(100))
    if (openSockets(pid) <= most) break;
  return openSockets(pid);
}

type Ask = (method: string | undefined, params?: object) => Promise<unknown>;

/** Asks one thing after another; without a method it ends. */
async function session(url: string): Promise<Ask> {
  const socket = new WebSocket(url);
  const next = (type: 'open' | 'message' | 'close') =>
    new Promise<Event>((resolve) => socket.addEventListener(type, resolve, { once: true }));
  await next('open');
  let id = 0;
  return async (method, params = {}) => {
    if (method === undefined) {
      const closed = next('close');
      socket.close();
      return closed;
    }
    const answered = next('message');
    socket.send(JSON.stringify({ id: (id += 1), method, params }));
    const { data } = (await answered) as MessageEvent;
    return (JSON.parse(String(data)) as { readonly result: unknown }).result;
  };
}
