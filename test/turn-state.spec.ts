import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig, type ConfigSource } from '../src/config/load-config.js';
import { TurnStateKeeper } from '../src/domain/turn-state.js';
import { PROVIDER_TYPES } from '../src/providers/provider-types.js';
import { createGateway } from '../src/serve.js';

const STATE = { toolCallId: 'call_1', format: 'google-gemini-v1', value: '"signed thought"' };

describe('turn states of a gateway', () => {
  const parent = mkdtempSync(join(tmpdir(), 'parley-turns-'));
  const folder = join(parent, 'data');

  afterAll(() => rmSync(parent, { recursive: true, force: true }));

  /** Starts a gateway over the folder, does something with its keeper, and stops it. */
  async function during<T>(secret: string | undefined, act: (keeper: TurnStateKeeper) => T): Promise<Awaited<T>> {
    const env = {
      PARLEY_DATA_DIR: folder,
      PARLEY_LOG_LEVEL: 'silent',
      ...(secret !== undefined && { PARLEY_SECRET_KEY: secret }),
    };
    const source: ConfigSource = { types: PROVIDER_TYPES, cwd: parent, env };
    const app = await createGateway(loadConfig(source), source);
    try {
      return await act(app.get(TurnStateKeeper, { strict: false }));
    } finally {
      await app.close();
    }
  }

  it('outlast a restart, the last moment before it included, under the secret in the data folder', async () => {
    await during(undefined, (keeper) => keeper.keep('key_1', [STATE]));
    expect(await during(undefined, (keeper) => keeper.find('key_1', ['call_1']))).toEqual(new Map([['call_1', STATE]]));
    expect(await during(undefined, (keeper) => keeper.find('key_2', ['call_1']))).toEqual(new Map());
    expect(statSync(join(folder, 'secret.key')).mode & 0o777).toBe(0o600);
    for (const file of readdirSync(folder)) expect(readFileSync(join(folder, file), 'latin1')).not.toContain('signed');
  });

  it('are lost to a gateway with another secret, and found with PARLEY_SECRET_KEY set to the same', async () => {
    expect(await during('another', (keeper) => keeper.find('key_1', ['call_1']))).toEqual(new Map());
    const same = readFileSync(join(folder, 'secret.key'), 'utf8').trim();
    expect(await during(same, (keeper) => keeper.find('key_1', ['call_1']))).toEqual(new Map([['call_1', STATE]]));
  });
});
