import { startGateway, type Gateway } from '../support/gateway.js';

let gateway: Gateway;

beforeAll(async () => {
  const target = { targets: [{ provider: 'simulator', model: 'simulator' }] };
  gateway = await startGateway({
    config: { providers: { simulator: {} }, models: { 'team-a-model': target, 'team-b-secret': target } },
  });
});
afterAll(() => gateway.close());

it.each([
  ['team-a-model', 200, undefined],
  ['team-a-modle', 404, /team-a-model/],
  ['team-a-secret', 404, /^(?!.*team-b)/],
  ['team-b-secret', 403, /may not use/],
])('a key for team-a-* that asks for %s gets %i', async (model, status, message) => {
  const made = await gateway.admin('POST', '/admin/keys', { name: 'a', models: ['team-a-*'] });
  const { key } = (await made.json()) as { key: string };
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }] }),
  });
  expect(answer.status).toBe(status);
  const body = (await answer.json()) as { error?: { message: string } };
  if (message !== undefined) expect(body.error?.message).toMatch(message);
});
