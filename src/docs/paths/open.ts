import type { Parameter } from '../headers.js';
import { either, ref, text } from '../schemas/schema.js';
import { answer, failures, NO_KEY, VIRTUAL_KEY, type Paths } from './operation.js';

const ANTHROPIC_VERSION: Parameter = {
  name: 'anthropic-version',
  in: 'header',
  description: 'Any value: the answer has the shape of Anthropic’s API.',
  schema: text(),
};

const PERIOD: readonly Parameter[] = [
  {
    name: 'from',
    in: 'query',
    description: 'The first moment that counts.',
    schema: text('A date or a time, ISO 8601.'),
  },
  {
    name: 'to',
    in: 'query',
    description: 'The first moment that no longer counts; a bare day is counted whole.',
    schema: text('A date or a time, ISO 8601.'),
  },
];

/** What a virtual key can look at. */
export const keyPaths: Paths = {
  '/v1/models': {
    get: {
      operationId: 'listModels',
      summary: 'List the models the key may use',
      description: 'Every id works in `model`. Also at `/models` and `/openai/v1/models`.',
      tags: ['Models'],
      security: VIRTUAL_KEY,
      parameters: [ANTHROPIC_VERSION],
      responses: {
        200: answer('All of them; there are no pages.', either([ref('ModelList'), ref('AnthropicModelList')])),
        ...failures(401),
      },
    },
  },
  '/v1/models/{id}': {
    get: {
      operationId: 'retrieveModel',
      summary: 'Show one model',
      description: 'Ids may contain slashes, as they are or as `%2F`.',
      tags: ['Models'],
      security: VIRTUAL_KEY,
      parameters: [
        { name: 'id', in: 'path', required: true, description: 'What to write in `model`.', schema: text() },
        ANTHROPIC_VERSION,
      ],
      responses: { 200: answer('The model.', either([ref('Model'), ref('AnthropicModel')])), ...failures(401, 404) },
    },
  },
  '/v1/usage': {
    get: {
      operationId: 'getOwnUsage',
      summary: 'What the calling key has used',
      description:
        'Totals, and by day and model; its limits and its budget. The last 31 days unless bounds are given; at most 5,000 rows, the newest.',
      tags: ['Usage'],
      security: VIRTUAL_KEY,
      parameters: PERIOD,
      responses: { 200: answer('The usage.', ref('OwnUsage')), ...failures(400, 401, 503) },
    },
  },
};

/** What needs no key. */
export const publicPaths: Paths = {
  '/healthz': {
    get: {
      operationId: 'isAlive',
      summary: 'The process is alive',
      tags: ['Health'],
      security: NO_KEY,
      responses: { 200: answer('It is.', ref('Alive')) },
    },
  },
  '/readyz': {
    get: {
      operationId: 'isReady',
      summary: 'New requests are welcome',
      description: 'A dependency that is down makes it `degraded`: requests are still served.',
      tags: ['Health'],
      security: NO_KEY,
      responses: {
        200: answer('Ready, or degraded.', ref('Ready')),
        503: answer('Starting or draining.', ref('Ready')),
      },
    },
  },
  '/metrics': {
    get: {
      operationId: 'getMetrics',
      summary: 'Metrics for Prometheus',
      tags: ['Health'],
      security: NO_KEY,
      responses: { 200: { description: 'Prometheus text format.', content: { 'text/plain': { schema: text() } } } },
    },
  },
  '/openapi.json': {
    get: {
      operationId: 'getDescription',
      summary: 'This description',
      tags: ['Description'],
      security: NO_KEY,
      responses: { 200: answer('OpenAPI 3.1.', { type: 'object' }) },
    },
  },
  '/docs': {
    get: {
      operationId: 'readDocs',
      summary: 'This description as a page',
      tags: ['Description'],
      security: NO_KEY,
      responses: { 200: { description: 'The page.', content: { 'text/html': { schema: text() } } } },
    },
  },
};
