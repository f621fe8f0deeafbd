import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { openApiDocument } from '../../src/docs/openapi.js';
import type { Operation } from '../../src/docs/paths/operation.js';
import { startGateway, type Gateway } from '../support/gateway.js';

type Json = Readonly<Record<string, unknown>>;

/** Whatever stands in a list must have no members but those that are described. */
const closedLists = (_: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'items' in value && typeof value.items === 'object'
    ? { ...value, items: closed(value.items) }
    : value;
const closed = (schema: object | null): object | null =>
  schema !== null && '$ref' in schema ? { ...schema, type: 'object', unevaluatedProperties: false } : schema;

// What travels is JSON: members that are undefined here are not there.
const written = JSON.stringify(openApiDocument('1.2.3'));
const document = JSON.parse(written, closedLists) as ReturnType<typeof openApiDocument>;
const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true, strictRequired: false });
for (const keyword of ['components', 'discriminator']) ajv.addKeyword(keyword);
for (const format of ['date-time', 'date']) ajv.addFormat(format, true);
ajv.addSchema({ $id: 'parley', components: document.components });

function validator(reference: string): ValidateFunction {
  return ajv.compile({ ...closed({ $ref: `parley${reference}` }) });
}

describe('answers are as they are described', () => {
  let gateway: Gateway;
  const seen = new Set<string>();

  beforeAll(async () => {
    gateway = await startGateway({
      config: {
        providers: { simulator: {} },
        teams: [{ name: 'filed', rpm: 5, budget: { usd: 1, per: 'week' } }],
        keys: [{ name: 'ci', key: 'sk-static-1', owner: 'filed', tpm: 100_000, budget: { usd: 5, per: 'total' } }],
      },
    });
  });
  afterAll(() => gateway.close());

  /** The answer to a request for an operation; throws where it is not one that is described. */
  async function answerOf(
    [method, path]: readonly [string, string],
    {
      url = path,
      body,
      key = gateway.adminKey,
    }: { readonly url?: string; readonly body?: object; readonly key?: string } = {},
  ): Promise<Json> {
    const response = await fetch(gateway.url + url, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const answer = (await response.json()) as Json;
    const operation = (document.paths[path] as Readonly<Record<string, Operation>>)[method.toLowerCase()];
    const described = operation?.responses[String(response.status)]?.content?.['application/json'];
    expect([method, url, response.status, described !== undefined]).toEqual([method, url, response.status, true]);
    // Where there are two forms, the first is the one that is asked for here.
    const validate = validator((described?.schema.anyOf?.[0] ?? described?.schema)?.$ref ?? '');
    validate(answer);
    const faults = (validate.errors ?? []).map(({ instancePath, message, params }) => [instancePath, message, params]);
    expect([method, url, faults]).toEqual([method, url, []]);
    seen.add(`${method} ${path} ${String(response.status)}`);
    return answer;
  }

  it('of keys and teams', async () => {
    const terms = { owner: 'o', tags: ['t'], models: ['*'], allowed_ips: ['::1'], budget: { usd: 0.5, per: 'day' } };
    const body = { name: 'n', rpm: 1, tpm: 2, concurrency: 3, expires_at: '2050-01-01T00:00:00Z', ...terms };
    const { id } = await answerOf(['POST', '/admin/keys'], { body });
    await answerOf(['POST', '/admin/keys'], { body: { name: '' } });
    await answerOf(['POST', '/admin/keys'], { body: { name: 'plain' } });
    const one = `/admin/keys/${String(id)}`;
    await answerOf(['POST', '/admin/keys/{id}/rotate'], { url: `${one}/rotate` });
    await answerOf(['GET', '/admin/keys'], { url: '/admin/keys?limit=1' });
    await answerOf(['GET', '/admin/keys'], { url: '/admin/keys?limit=501' });
    await answerOf(['GET', '/admin/keys'], { key: gateway.key });
    await answerOf(['GET', '/admin/keys/{id}'], { url: one });
    await answerOf(['PATCH', '/admin/keys/{id}'], { url: one, body: { budget: null, models: null, expires_at: null } });
    await answerOf(['DELETE', '/admin/keys/{id}'], { url: one });
    await answerOf(['DELETE', '/admin/keys/{id}'], { url: one });

    await answerOf(['POST', '/admin/teams'], { body: { name: 'a/b', tpm: 7, budget: { usd: 1, per: 'total' } } });
    await answerOf(['POST', '/admin/teams'], { body: { name: 'a/b' } });
    await answerOf(['GET', '/admin/teams']);
    const team = '/admin/teams/a%2Fb';
    await answerOf(['GET', '/admin/teams/{name}'], { url: team });
    await answerOf(['PATCH', '/admin/teams/{name}'], { url: team, body: { tpm: null } });
    await answerOf(['PATCH', '/admin/teams/{name}'], { url: '/admin/teams/filed', body: { tpm: null } });
    await answerOf(['DELETE', '/admin/teams/{name}'], { url: team });
    await answerOf(['DELETE', '/admin/teams/{name}'], { url: team });
  });

  it('of what was used', async () => {
    const chat = {
      url: '/v1/chat/completions',
      body: { model: 'simulator', messages: [{ role: 'user', content: 'hi' }] },
    };
    for (const key of [gateway.key, 'sk-static-1', 'sk-nobody'])
      await answerOf(['POST', '/v1/chat/completions'], { ...chat, key });
    const faulty = { ...chat.body, simulator: { fault: '429' } };
    await answerOf(['POST', '/v1/chat/completions'], { body: faulty, key: gateway.key });
    for (let count = 0; count < 5; count += 1)
      await answerOf(['POST', '/v1/chat/completions'], { ...chat, key: 'sk-static-1' });
    expect([...seen]).toContain('POST /v1/chat/completions 429');
    for (const key of [gateway.key, 'sk-static-1', 'sk-nobody']) {
      await answerOf(['GET', '/v1/usage'], { key });
      await answerOf(['GET', '/v1/models'], { key });
      await answerOf(['GET', '/v1/models/{id}'], { url: '/v1/models/simulator', key });
    }
    await answerOf(['GET', '/v1/models/{id}'], { url: '/v1/models/nothing', key: gateway.key });
    await answerOf(['GET', '/v1/usage'], { url: '/v1/usage?from=x', key: gateway.key });
    await answerOf(['GET', '/admin/usage']);
    await answerOf(['GET', '/admin/usage'], { url: '/admin/usage?group_by=key,owner,model,provider,day,tag&limit=1' });
    await answerOf(['GET', '/admin/usage'], { url: '/admin/usage?group_by=x' });
    await answerOf(['GET', '/admin/requests'], { url: '/admin/requests?limit=500' });
    await answerOf(['GET', '/admin/requests'], { url: '/admin/requests?cursor=x' });
    await answerOf(['GET', '/admin/providers']);
    await answerOf(['GET', '/healthz']);
    await answerOf(['GET', '/readyz']);
  });

  it('of every operation that answers in JSON', () => {
    const described = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.entries(operations as Readonly<Record<string, Operation>>)
        .filter(([, { responses }]) => Object.values(responses).some(({ content }) => content?.['application/json']))
        .map(([method]) => `${method.toUpperCase()} ${path}`),
    );
    const asked = [...seen].filter((each) => / 20\d$/.test(each)).map((each) => each.slice(0, -4));
    const others = ['POST /openai/deployments/{model}/chat/completions', 'GET /openapi.json'];
    expect(described.filter((each) => !asked.includes(each))).toEqual(others);
  });
});
