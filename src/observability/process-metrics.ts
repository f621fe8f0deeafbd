import { readdir } from 'node:fs/promises';
import type { MetricSet } from './metric-set.js';

const MICROSECONDS = 1e6;

/** Metrics of the process, by the names that dashboards know. Returns what sets them all. */
export function processMetrics(set: MetricSet): () => Promise<void> {
  const user = set.total('process_cpu_user_seconds_total', 'Time on the processor in the program itself.');
  const system = set.total('process_cpu_system_seconds_total', 'Time on the processor in the kernel.');
  const both = set.total('process_cpu_seconds_total', 'Time on the processor.');
  const resident = set.gauge('process_resident_memory_bytes', 'Memory in use.');
  const heap = set.gauge('nodejs_heap_size_used_bytes', 'Memory in use by objects.');
  const startedAt = set.gauge('process_start_time_seconds', 'When the process started, since 1970.');
  startedAt.set(performance.timeOrigin / 1_000);
  const openFiles = openFilesGauge(set);
  return async () => {
    await openFiles();
    const cpu = process.cpuUsage();
    user(cpu.user / MICROSECONDS);
    system(cpu.system / MICROSECONDS);
    both((cpu.user + cpu.system) / MICROSECONDS);
    const { rss, heapUsed } = process.memoryUsage();
    resident.set(rss);
    heap.set(heapUsed);
  };
}

/** Only Linux tells which files a process has open. */
function openFilesGauge(set: MetricSet): () => Promise<void> {
  if (process.platform !== 'linux') return () => Promise.resolve();
  const gauge = set.gauge('process_open_fds', 'Files and sockets open.');
  // Where it may not be read, or no further file be opened, the other metrics are needed all the more.
  return () =>
    readdir('/proc/self/fd').then(
      ({ length }) => gauge.set(length),
      () => gauge.set(Number.NaN),
    );
}
