import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { newKey } from '../src/access/key-form.js';
import { Secret } from '../src/domain/secret.js';
import { openPostgres } from '../src/storage/sql/postgres.js';
import { startAccess } from './support/access-app.js';
import { BENCHES } from './support/databases.js';
import { startLine } from './support/line.js';

const [title = '', makeBench] = BENCHES.find(([name]) => /^PostgreSQL(?!.*PGlite)/.test(name)) ?? [];

describe(title, () => {
  const test = makeBench === undefined ? it.skip : it;

  test('may be away or silent: seen keys go on, unseen ones are not called wrong, and afterwards what was revoked is', async () => {
    const told: string[] = [];
    for (const level of ['log', 'error', 'warn'] as const)
      jest.spyOn(Logger.prototype, level).mockImplementation((message: unknown) => void told.push(String(message)));
    const bench = await makeBench?.();
    const url = new URL(bench?.url ?? '');
    const line = await startLine(url.hostname, Number(url.port));
    url.port = String(line.port);
    const [near, far] = [await bench?.open(), await openPostgres(new Secret(url.href))];
    if (bench === undefined || near === undefined) throw new Error('There is no database.');
    const [here, there] = [await startAccess(near), await startAccess(far)];
    try {
      for (const outage of ['cut', 'silent'] as const) {
        told.length = 0;
        const { json } = await here.admin('POST', '/admin/keys', { name: outage });
        const [key, one] = [String(json['key']), `/admin/keys/${String(json['id'])}`];
        expect((await there.who(key)).status).toBe(200);

        line.set(outage);
        const waits: number[] = [];
        for (const end = performance.now() + 4_000; performance.now() < end; await pause(20)) {
          const began = performance.now();
          expect((await there.who(key)).status).toBe(200);
          waits.push(performance.now() - began);
        }
        // Of all, a handful may have met the moment at which nobody could tell yet.
        expect(waits.toSorted((one, other) => other - one)[5]).toBeLessThan(100);
        expect((await there.who(newKey())).status).toBe(503);
        await here.admin('PATCH', one, { disabled: true });

        line.set('up');
        const back = performance.now();
        while ((await there.who(key)).status === 200 && performance.now() - back < 5_000) await pause(20);
        expect(performance.now() - back).toBeLessThan(2_000);
        expect((await there.who(newKey())).status).toBe(401);
        expect(told.filter((line) => line.includes('does not answer'))).toHaveLength(1);
        expect(told.filter((line) => line.includes('answers again'))).toHaveLength(1);
      }
    } finally {
      await Promise.all([here.stop(), there.stop()]);
      await Promise.all([near.close(), far.close()]);
      await line.close();
      await bench.remove();
      jest.restoreAllMocks();
    }
  }, 30_000);
});
