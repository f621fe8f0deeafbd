import { setTimeout as pause } from 'node:timers/promises';
import type { GatewayProcess } from '../support/process.js';

/** A usage record as the admin API shows it. */
export interface Row {
  readonly outcome: string;
  readonly status: number;
  readonly error_code: string | null;
  readonly latency_ms: number;
  readonly tags: readonly string[];
  readonly attempts: readonly {
    readonly model: string;
    readonly outcome: string | null;
    readonly error_code: string | null;
    readonly latency_ms: number;
  }[];
}

interface Page {
  readonly data: readonly Row[];
  readonly next_cursor: string | null;
}

const PATIENCE_MS = 5_000;

/** The usage records of requests with this tag, by the request's other tag, once there are so many or none come any more. */
export async function recordsOf(
  gateway: GatewayProcess,
  tag: string,
  expected: number,
): Promise<ReadonlyMap<string, readonly Row[]>> {
  for (const until = performance.now() + PATIENCE_MS; ; await pause(200)) {
    const rows = await allOf(gateway, tag);
    if (rows.length >= expected || performance.now() > until) return byMarker(rows, tag);
  }
}

async function allOf(gateway: GatewayProcess, tag: string): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const place: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page = (await gateway.admin(`/admin/requests?limit=500&tag=${tag}${place}`)) as Page;
    rows.push(...page.data);
    cursor = page.next_cursor;
  }
  return rows;
}

function byMarker(rows: readonly Row[], tag: string): ReadonlyMap<string, readonly Row[]> {
  const found = new Map<string, Row[]>();
  for (const row of rows) {
    const marker = row.tags.find((each) => each !== tag) ?? '';
    found.set(marker, [...(found.get(marker) ?? []), row]);
  }
  return found;
}
