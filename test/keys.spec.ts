import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { KeyDirectory } from '../src/access/directory/key-directory.js';
import { newKey } from '../src/access/key-form.js';
import { keyHash } from '../src/access/key-hash.js';
import { Secret } from '../src/domain/secret.js';
import { KyselyTeamStore } from '../src/storage/sql/kysely-team.store.js';
import { KyselyVirtualKeyStore } from '../src/storage/sql/kysely-virtual-key.store.js';
import type { SqlDatabase } from '../src/storage/sql/sql-database.js';
import { accessConfig, startAccess, type AccessApp, type Answer } from './support/access-app.js';
import { BENCHES, type Bench } from './support/databases.js';

const STATIC = 'static-key-of-the-test';
const FILE_TEAM = { name: 'from-file', rpm: 3, tpm: null, concurrency: null, budget: null };
const CONFIG = {
  keys: [
    { name: 'ci', key: new Secret(STATIC), owner: 'from-file', tags: ['t'], models: null, allowedIps: null, rpm: 9 },
  ],
  teams: [FILE_TEAM],
};

/** How long something takes to become so; more than two seconds is never. */
async function until(isSo: () => Promise<boolean>): Promise<number> {
  const began = performance.now();
  while (!(await isSo())) {
    if (performance.now() - began > 2_000) return Infinity;
    await pause(5);
  }
  return performance.now() - began;
}

describe.each(BENCHES)('keys and teams in %s', (_, makeBench) => {
  const test = makeBench === undefined ? it.skip : it;
  let bench: Bench;
  let database: SqlDatabase;
  let databases: ReadonlySet<SqlDatabase>;
  let here: AccessApp;
  let there: AccessApp;

  beforeAll(async () => {
    if (makeBench === undefined) return;
    bench = await makeBench();
    database = await bench.open();
    const other = bench.single ? database : await bench.open();
    databases = new Set([database, other]);
    here = await startAccess(database, CONFIG);
    there = await startAccess(other, CONFIG);
  });

  afterAll(async () => {
    if (makeBench === undefined) return;
    await Promise.all([here.stop(), there.stop()]);
    await Promise.all([...databases].map((each) => each.close()));
    await bench.remove();
  });

  const made = async (fields: object = {}) => {
    const { json } = await here.admin('POST', '/admin/keys', { name: 'made', ...fields });
    return { id: String(json['id']), key: String(json['key']), one: `/admin/keys/${String(json['id'])}` };
  };
  const names = ({ json }: Answer) => (json['data'] as readonly { readonly name: string }[]).map(({ name }) => name);

  describe('PATCH /admin/keys/{id}', () => {
    const FULL = {
      name: 'Büro 7',
      owner: 'team-a',
      tags: ['x', 'y'],
      models: ['gpt-*'],
      allowed_ips: ['127.0.0.0/8'],
      rpm: 60,
      tpm: 100_000,
      concurrency: 2,
      budget: { usd: 0.5, per: 'week' },
      expires_at: '2099-12-31T23:59:59.000Z',
      disabled: false,
    };

    test('sets each attribute, leaves the others, clears with null, and holds at once', async () => {
      const { id, key, one } = await made();
      let expected = (await here.admin('GET', one)).json;
      for (const [field, value] of Object.entries(FULL)) {
        expected = { ...expected, [field]: value };
        const { status, json } = await here.admin('PATCH', one, { [field]: value });
        expect([status, json]).toEqual([200, expected]);
      }
      expect((await here.admin('GET', one)).json).toEqual(expected);
      expect((await here.admin('PATCH', one, {})).json).toEqual(expected);
      expect((await here.who(key)).json).toMatchObject({ keyId: id, name: 'Büro 7', owner: 'team-a', rpm: 60 });

      const { name: _name, ...clearable } = FULL;
      const nothing = Object.fromEntries(Object.keys(clearable).map((field) => [field, null]));
      const cleared = { ...expected, ...nothing, tags: [], disabled: false };
      expect((await here.admin('PATCH', one, nothing)).json).toEqual(cleared);
      expect((await here.who(key)).json).toMatchObject({ rpm: null, models: null, tags: [] });

      await here.admin('PATCH', one, { disabled: true });
      expect(await here.who(key)).toMatchObject({ status: 401, error: { message: expect.stringMatching(/disabled/) } });
      await here.admin('PATCH', one, { disabled: false });
      expect((await here.who(key)).status).toBe(200);
    });

    test.each<[string, string]>([
      ['{"name":null}', 'name'],
      ['{"name":" "}', 'name'],
      ['{"id":"key_x"}', 'id'],
      ['{"hash":"0"}', 'hash'],
      ['{"__proto__":{"rpm":1}}', '__proto__'],
      ['{"constructor":1}', 'constructor'],
      ['{"rpm":1e300}', 'rpm'],
      ['{"rpm":1e999}', 'rpm'],
      ['{"rpm":0}', 'rpm'],
      ['{"rpm":-0.5}', 'rpm'],
      ['{"tpm":"60"}', 'tpm'],
      ['{"concurrency":[2]}', 'concurrency'],
      ['{"budget":{"usd":1e999,"per":"day"}}', 'budget.usd'],
      ['{"budget":{"usd":1e15,"per":"day"}}', 'budget.usd'],
      ['{"budget":{"usd":0,"per":"day"}}', 'budget.usd'],
      ['{"budget":{"usd":-1,"per":"day"}}', 'budget.usd'],
      ['{"budget":{"usd":null,"per":"day"}}', 'budget.usd'],
      ['{"budget":{"usd":"NaN","per":"day"}}', 'budget.usd'],
      ['{"budget":{"usd":1,"per":"__proto__"}}', 'budget.per'],
      ['{"budget":{"usd":1,"per":"day","__proto__":{}}}', 'budget.__proto__'],
      ['{"budget":[]}', 'budget'],
      ['{"expires_at":"2027-02-30T00:00:00Z"}', 'expires_at'],
      ['{"expires_at":"+275760-09-13T00:00:00Z"}', 'expires_at'],
      ['{"tags":["\\u0000"]}', 'tags'],
      ['{"owner":"\\ud800"}', 'owner'],
      ['{"models":[]}', 'models'],
      ['{"allowed_ips":["10.0.0.0/8","10.0.0.0/8/8"]}', 'allowed_ips[1]'],
    ])('refuses %s', async (body, param) => {
      const { one } = await made();
      const { status, error } = await here.admin('PATCH', one, body);
      expect({ status, param: error['param'] }).toEqual({ status: 400, param });
    });

    test('refuses more than is allowed', async () => {
      const { one } = await made();
      const [long, many] = ['t'.repeat(201), Array.from({ length: 501 }, () => 't')];
      for (const [method, path, body, param] of [
        ['PATCH', one, { tags: [long] }, 'tags'],
        ['PATCH', one, { tags: many }, 'tags'],
        ['PATCH', one, { models: many }, 'models'],
        ['PATCH', one, { owner: long }, 'owner'],
        ['PATCH', one, { ['o'.repeat(300)]: 1 }, 'o'.repeat(100)],
        ['POST', '/admin/teams', { name: long }, 'name'],
        ['GET', `/admin/keys?search=${'x'.repeat(10_000)}`, undefined, 'search'],
        ['GET', `/admin/keys?cursor=${'x'.repeat(10_000)}`, undefined, 'cursor'],
      ] as const) {
        const { status, error } = await here.admin(method, path, body);
        expect({ status, param: error['param'] }).toEqual({ status: 400, param });
      }
    });

    test('takes as much as is allowed', async () => {
      const tags = Array.from({ length: 500 }, (__, index) => String(index).padEnd(200, '"\\'));
      const { one } = await made({ tags, name: 'ü'.repeat(200), rpm: Number.MAX_SAFE_INTEGER });
      expect((await here.admin('GET', one)).json).toMatchObject({ tags, rpm: Number.MAX_SAFE_INTEGER });
    });
  });

  describe('POST /admin/keys/{id}/rotate', () => {
    const ends = ({ json }: Answer) => Date.parse(String(json['previous_key_expires_at'])) - Date.now();

    test('makes a new key; the old one stays good for a day, or as long as is said', async () => {
      const { id, key, one } = await made();
      const rotated = await here.admin('POST', `${one}/rotate`);
      const fresh = String(rotated.json['key']);
      expect(rotated.status).toBe(200);
      expect(fresh).toMatch(/^sk-parley-[0-9A-Za-z]{43}$/);
      const { key: _key, ...shown } = rotated.json;
      expect((await here.admin('GET', one)).json).toEqual(shown);
      expect(shown['key_prefix']).toBe(fresh.slice(0, 14));
      expect(ends(rotated)).toBeGreaterThan(86_390_000);
      expect(ends(rotated)).toBeLessThanOrEqual(86_400_000);
      for (const good of [key, fresh]) expect(await here.who(good)).toMatchObject({ status: 200, json: { keyId: id } });

      // Again within the grace: the oldest key goes.
      const again = await here.admin('POST', `${one}/rotate`, { grace_seconds: 60 });
      expect(ends(again)).toBeLessThanOrEqual(60_000);
      expect(await here.who(key)).toMatchObject({ status: 401, error: { code: 'invalid_api_key' } });
      for (const good of [fresh, String(again.json['key'])]) expect((await here.who(good)).status).toBe(200);
    });

    test('without grace refuses the old key, and says why; so does a grace that is over', async () => {
      for (const grace of [0, 1]) {
        const { key, one } = await made();
        expect((await here.who(key)).status).toBe(200);
        const rotated = await here.admin('POST', `${one}/rotate`, { grace_seconds: grace });
        expect(rotated.json).toHaveProperty('previous_key_expires_at');
        if (grace > 0) {
          expect((await here.who(key)).status).toBe(200);
          await pause(grace * 1000);
        }
        const { status, error } = await here.who(key);
        expect({ status, error }).toMatchObject({ status: 401, error: { code: 'invalid_api_key' } });
        expect(error['message']).toMatch(/has been replaced/);
        expect((await here.admin('GET', one)).json).not.toHaveProperty('previous_key_expires_at');
        expect((await here.who(String(rotated.json['key']))).status).toBe(200);
      }
    });

    test.each<[string, string]>([
      ['{"grace_seconds":-1}', 'grace_seconds'],
      ['{"grace_seconds":2592001}', 'grace_seconds'],
      ['{"grace_seconds":1.5}', 'grace_seconds'],
      ['{"grace_seconds":"60"}', 'grace_seconds'],
      ['{"grace":60}', 'grace'],
    ])('refuses %s', async (body, param) => {
      const { one } = await made();
      const { status, error } = await here.admin('POST', `${one}/rotate`, body);
      expect({ status, param: error['param'] }).toEqual({ status: 400, param });
    });

    test('leaves exactly one new and one old key where two rotate at once', async () => {
      const { key, one } = await made();
      const both = await Promise.all([here, there].map((replica) => replica.admin('POST', `${one}/rotate`)));
      await pause(900);
      const keys = [key, ...both.map(({ json }) => String(json['key']))];
      const answers = await Promise.all(keys.map(async (each) => (await there.who(each)).status));
      expect(answers[0]).toBe(401);
      expect(answers.slice(1)).toEqual([200, 200]);
    });
  });

  describe('GET /admin/keys', () => {
    test('finds by what is part of name, owner, id or prefix, and by owner, tag and state', async () => {
      const odd = `50%_\\'"`;
      await made({ name: 'Searched ONE', owner: 'crew-1', tags: ['red', 'a,b'] });
      await made({ name: `searched ${odd}`, owner: 'crew-2', tags: ['re', '"', ','], disabled: true });
      const third = await made({ name: 'Searched ÄÖ', owner: "crew' or '1'='1", tags: ['"red"', '\\'] });
      const find = (query: Readonly<Record<string, string>>) =>
        here.admin('GET', `/admin/keys?${new URLSearchParams(query).toString()}`);
      const [one, two, three] = ['Searched ONE', `searched ${odd}`, 'Searched ÄÖ'];
      for (const [query, expected] of [
        [{ search: 'searched' }, [three, two, one]],
        [{ search: 'SEARCHED one' }, [one]],
        [{ search: 'Searched ÄÖ' }, [three]],
        [{ search: 'CREW-2' }, [two]],
        [{ search: third.id.slice(4) }, [three]],
        [{ search: third.key.slice(0, 14) }, [three]],
        [{ search: '%' }, [two]],
        [{ search: '50%_\\' }, [two]],
        [{ search: 'd_o' }, []],
        [{ search: "' or 1=1 --" }, []],
        [{ search: 'a\0' }, []],
        [{ owner: 'crew-1' }, [one]],
        [{ owner: "crew' or '1'='1" }, [three]],
        [{ owner: 'crew' }, []],
        [{ tag: 'red' }, [one]],
        [{ tag: '"red"' }, [three]],
        [{ tag: '"' }, [two]],
        [{ tag: ',' }, [two]],
        [{ tag: '\\' }, [three]],
        [{ tag: 'a' }, []],
        [{ search: 'searched', disabled: 'true' }, [two]],
        [{ search: 'searched', disabled: 'false' }, [three, one]],
        [{ search: 'searched', limit: '2' }, [three, two]],
      ] as const) {
        expect([query, names(await find(query))]).toEqual([query, expected]);
      }
      const first = await find({ search: 'searched', limit: '2' });
      const rest = await find({ search: 'searched', limit: '2', cursor: String(first.json['next_cursor']) });
      expect([names(rest), rest.json['has_more'], rest.json['next_cursor']]).toEqual([[one], false, null]);
      expect(first.text + rest.text).not.toMatch(/hash|sk-parley-\w{5}/);
    });

    test.each([
      ['search=', 'search'],
      ['search=a&search=b', 'search'],
      ['search[$ne]=a', 'search[$ne]'],
      ['disabled=yes', 'disabled'],
      ['serach=a', 'serach'],
      ['cursor=bm9uZQ', 'cursor'],
      [`cursor=${Buffer.from('[1e999,"a"]').toString('base64url')}`, 'cursor'],
    ])('refuses ?%s', async (query, param) => {
      const { status, error } = await here.admin('GET', `/admin/keys?${query}`);
      expect({ status, param: error['param'] }).toEqual({ status: 400, param });
    });

    test('does not find what is not there, however it is asked', async () => {
      const odd = ['key_x', 'a%2Fb', '%27%20or%201%3D1', '%22', '__proto__', '%F0%9F%92%A5', '%00'];
      for (const id of odd) {
        for (const [method, path, body] of [
          ['GET', `/admin/keys/${id}`],
          ['PATCH', `/admin/keys/${id}`, {}],
          ['PATCH', `/admin/keys/${id}`, { rpm: 1 }],
          ['POST', `/admin/keys/${id}/rotate`],
          ['DELETE', `/admin/keys/${id}`],
          ['GET', `/admin/teams/${id}`],
          ['PATCH', `/admin/teams/${id}`, { rpm: 1 }],
          ['DELETE', `/admin/teams/${id}`],
        ] as const)
          expect([method, path, (await here.admin(method, path, body)).status]).toEqual([method, path, 404]);
      }
      expect((await here.admin('GET', '/admin/keys/%E0%A4%A')).status).toBe(400);
      expect((await here.admin('PUT', '/admin/teams')).status).toBe(405);
      expect((await here.admin('POST', '/admin/teams/x')).status).toBe(405);
    });
  });

  describe('/admin/teams', () => {
    const limits = { rpm: 5, tpm: 600, concurrency: 2, budget: { usd: 10, per: 'month' } };

    test('makes, shows, changes and deletes a team, and one of the same name after it', async () => {
      const created = await here.admin('POST', '/admin/teams', { name: 'ops/€ 1', ...limits });
      expect(created).toMatchObject({ status: 201, json: { object: 'team', name: 'ops/€ 1', ...limits } });
      expect(Object.keys(created.json)).toEqual([
        ...['object', 'name', 'rpm', 'tpm', 'concurrency', 'budget', 'created_at'],
      ]);
      const one = `/admin/teams/${encodeURIComponent('ops/€ 1')}`;
      expect((await here.admin('GET', one)).json).toEqual(created.json);
      expect(await here.admin('POST', '/admin/teams', { name: 'ops/€ 1' })).toMatchObject({
        status: 409,
        error: { code: 'team_exists', type: 'invalid_request_error', param: 'name' },
      });
      const { key } = await made({ owner: 'ops/€ 1' });
      expect((await here.who(key)).json).toMatchObject({ owner: 'ops/€ 1', team: { name: 'ops/€ 1', ...limits } });

      const changed = await here.admin('PATCH', one, { rpm: null, budget: { usd: 1, per: 'day' } });
      expect(changed.json).toEqual({ ...created.json, rpm: null, budget: { usd: 1, per: 'day' } });
      expect((await here.admin('PATCH', one, {})).json).toEqual(changed.json);
      expect((await here.who(key)).json).toMatchObject({ team: { rpm: null } });

      expect((await here.admin('DELETE', one)).json).toEqual({ name: 'ops/€ 1', object: 'team', deleted: true });
      expect((await here.who(key)).json).not.toHaveProperty('team');
      for (const method of ['GET', 'DELETE', 'PATCH'])
        expect((await here.admin(method, one, method === 'PATCH' ? {} : undefined)).status).toBe(404);
      expect((await here.admin('POST', '/admin/teams', { name: 'ops/€ 1', rpm: 8 })).json).toMatchObject({
        ...{ rpm: 8, tpm: null, budget: null },
      });
      expect((await here.who(key)).json).toMatchObject({ team: { rpm: 8, tpm: null } });
      await here.admin('DELETE', one);
    });

    test('lists those of the config among the others, which the API cannot change', async () => {
      const shadowed = await new KyselyTeamStore(database).insert({ ...FILE_TEAM, rpm: 77 });
      expect(shadowed).toBeDefined();
      const long = '長'.repeat(200);
      for (const name of ['zeta', 'Alpha', '__proto__', '💥', long, '..a'])
        await here.admin('POST', '/admin/teams', { name });
      const seen: string[] = [];
      for (let cursor = ''; ;) {
        const page = await here.admin('GET', `/admin/teams?limit=1${cursor}`);
        seen.push(...names(page));
        const next = page.json['next_cursor'];
        if (typeof next !== 'string') break;
        cursor = `&cursor=${next}`;
      }
      expect(seen).toEqual(['..a', 'Alpha', '__proto__', 'from-file', 'zeta', long, '💥']);

      expect((await here.who(STATIC)).json).toMatchObject({ keyId: 'key_config_ci', rpm: 9, team: { rpm: 3 } });
      expect((await here.admin('GET', '/admin/teams/from-file')).json).toMatchObject({ rpm: 3, created_at: null });
      for (const [method, path, body] of [
        ['POST', '/admin/teams', { name: 'from-file' }],
        ['PATCH', '/admin/teams/from-file', { rpm: 1 }],
        ['DELETE', '/admin/teams/from-file', undefined],
      ] as const) {
        expect(await here.admin(method, path, body)).toMatchObject({
          status: 409,
          error: { code: 'configured_in_file' },
        });
      }
    });

    test.each<[string, string, string]>([
      ['POST', '{}', 'name'],
      ['POST', '{"name":""}', 'name'],
      ['POST', '{"name":"a\\u0000"}', 'name'],
      ['POST', '{"name":".."}', 'name'],
      ['POST', '{"name":"n","owner":"x"}', 'owner'],
      ['POST', '{"name":"n","__proto__":1}', '__proto__'],
      ['POST', '{"name":"n","rpm":1e300}', 'rpm'],
      ['POST', '{"name":"n","budget":{"usd":1,"per":"day","x":1}}', 'budget.x'],
      ['PATCH', '{"name":"other"}', 'name'],
    ])('refuses to %s %s', async (method, body, param) => {
      const { status, error } = await here.admin(method, `/admin/teams${method === 'PATCH' ? '/zeta' : ''}`, body);
      expect({ status, param: error['param'] }).toEqual({ status: 400, param });
    });

    test.each(['cursor=%21', 'cursor=', 'cursor=gA', 'limit=0', 'search=a'])('refuses ?%s', async (query) => {
      expect((await here.admin('GET', `/admin/teams?${query}`)).status).toBe(400);
    });

    test('follows a reload of the config at once', async () => {
      const [first = CONFIG.keys[0]] = CONFIG.keys;
      there.config.replace(accessConfig({ keys: [{ ...first, rpm: 1 } as never], teams: [{ ...FILE_TEAM, rpm: 2 }] }));
      expect((await there.who(STATIC)).json).toMatchObject({ rpm: 1, team: { rpm: 2 } });
      there.config.replace(accessConfig());
      expect((await there.who(STATIC)).status).toBe(401);
      there.config.replace(accessConfig(CONFIG));
      expect((await there.who(STATIC)).json).toMatchObject({ rpm: 9, team: { rpm: 3 } });
    });
  });

  test('lets another replica hear of every change within a second', async () => {
    const waits: Record<string, number> = {};
    const status = async (key: string) => (await there.who(key)).status;
    const { key, one } = await made({ owner: 'shared' });
    expect(await status(key)).toBe(200);
    for (const [what, change, isSo] of [
      ['disabled', () => here.admin('PATCH', one, { disabled: true }), async () => (await status(key)) === 401],
      ['enabled', () => here.admin('PATCH', one, { disabled: false }), async () => (await status(key)) === 200],
      [
        'team made',
        () => here.admin('POST', '/admin/teams', { name: 'shared', rpm: 4 }),
        async () => (await there.who(key)).text.includes('"rpm":4'),
      ],
      [
        'team changed',
        () => here.admin('PATCH', '/admin/teams/shared', { rpm: 6 }),
        async () => (await there.who(key)).text.includes('"rpm":6'),
      ],
      [
        'team deleted',
        () => here.admin('DELETE', '/admin/teams/shared'),
        async () => !(await there.who(key)).text.includes('"rpm":6'),
      ],
      [
        'rotated',
        () => here.admin('POST', `${one}/rotate`, { grace_seconds: 0 }),
        async () => (await status(key)) === 401,
      ],
    ] as const) {
      await change();
      waits[what] = await until(isSo);
    }
    // Unknown a moment ago, and then made elsewhere: as after a restore from a backup.
    const late = newKey();
    expect(await status(late)).toBe(401);
    const store = new KyselyVirtualKeyStore(database);
    const template = await store.findById(one.slice('/admin/keys/'.length));
    const { previous: _previous, ...rest } = template ?? ({} as never);
    await store.insert({ ...rest, id: 'key_late', hash: keyHash(late) });
    waits['made'] = await until(async () => (await status(late)) === 200);
    await here.admin('DELETE', '/admin/keys/key_late');
    waits['deleted'] = await until(async () => (await status(late)) === 401);
    for (const [what, wait] of Object.entries(waits)) expect([what, wait < 1_000]).toEqual([what, true]);
  });

  test('removes for good only what was deleted long enough ago', async () => {
    const [keys, teams] = [new KyselyVirtualKeyStore(database), new KyselyTeamStore(database)];
    const { id, one } = await made();
    await here.admin('DELETE', one);
    await here.admin('POST', '/admin/teams', { name: 'brief' });
    await here.admin('DELETE', '/admin/teams/brief');
    const kept = async () => [
      (await keys.changed(60_000)).some((news) => news.id === id),
      (await teams.changed(60_000)).some(({ team }) => team.name === 'brief'),
    ];
    const count = await keys.count();
    await Promise.all([keys.purge(3_600_000), teams.purge(3_600_000)]);
    expect(await kept()).toEqual([true, true]);
    await pause(5);
    await Promise.all([keys.purge(1), teams.purge(1)]);
    expect(await kept()).toEqual([false, false]);
    expect(await keys.count()).toBe(count);
    expect((await teams.changed(Infinity)).length).toBe((await teams.all()).length);
  });

  test('serves keys it has seen while the database is away, and none that it has not', async () => {
    jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const { key } = await made();
    const unseen = await made();
    const madeUp = newKey();
    for (const replica of [here, there]) await replica.who(key);
    expect((await there.who(madeUp)).status).toBe(401);
    await Promise.all([...databases].map((each) => each.close()));
    await pause(1_500);
    for (const replica of [here, there]) expect((await replica.who(key)).status).toBe(200);
    expect((await there.who(STATIC)).status).toBe(200);
    for (const unsure of [unseen.key, madeUp]) {
      expect(await there.who(unsure)).toMatchObject({ status: 503, error: { code: 'server_is_overloaded' } });
    }
    expect(there.app.get(KeyDirectory).find(key)).toMatchObject({ disabled: false });
    expect((await here.admin('GET', '/admin/teams')).status).toBe(500);
  });
});
