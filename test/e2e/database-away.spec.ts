import { startGateway, type Gateway } from '../support/gateway.js';

describe('with a database that cannot be reached', () => {
  let gateway: Gateway;

  beforeAll(async () => {
    gateway = await startGateway({
      config: { providers: { simulator: {} }, keys: [{ name: 'ci', key: 'sk-ci-1', rpm: 9 }] },
      env: { PARLEY_DATABASE_URL: 'postgres://parley@127.0.0.1:1/parley' },
    });
  });
  afterAll(() => gateway.close());

  it.each<[string, string, object?]>([
    ['GET', '/admin/keys'],
    ['POST', '/admin/keys', { name: 'a' }],
    ['GET', '/admin/keys/key_1'],
    ['PATCH', '/admin/keys/key_1', { rpm: 1 }],
    ['POST', '/admin/keys/key_1/rotate'],
    ['DELETE', '/admin/keys/key_1'],
    ['GET', '/admin/teams'],
    ['POST', '/admin/teams', { name: 'a' }],
    ['PATCH', '/admin/teams/a', { rpm: 1 }],
    ['DELETE', '/admin/teams/a'],
    ['GET', '/admin/teams/a'],
    ['GET', '/admin/usage'],
    ['GET', '/admin/requests'],
  ])('%s %s says so, and when to come again', async (...[method, path, body]) => {
    const answer = await gateway.admin(method, path, body);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await answer.json()).toEqual({
      error: {
        message: 'The database is away, or busy with others.',
        type: 'service_unavailable_error',
        param: null,
        code: 'server_is_overloaded',
      },
    });
  });

  it('keys of the config are served, and told of their usage when it is back', async () => {
    const headers = { authorization: 'Bearer sk-ci-1' };
    expect((await gateway.chat({ model: 'simulator' }, headers)).status).toBe(200);
    expect((await fetch(`${gateway.url}/v1/usage`, { headers })).status).toBe(503);
  });
});
