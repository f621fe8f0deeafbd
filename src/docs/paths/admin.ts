import type { Parameter } from '../headers.js';
import { between, choice, integer, ref, text } from '../schemas/schema.js';
import { ADMIN_KEY, answer, failures, json, type Paths } from './operation.js';

const PAGE: readonly Parameter[] = [
  { name: 'limit', in: 'query', description: 'How many at most.', schema: between(integer(), 1, 500) },
  { name: 'cursor', in: 'query', description: '`next_cursor` of the page before.', schema: text() },
];

const KEY_ID: Parameter = { name: 'id', in: 'path', required: true, description: 'The id of the key.', schema: text() };

const filter = (name: string, description: string): Parameter => ({ name, in: 'query', description, schema: text() });

const FILTERS: readonly Parameter[] = [
  filter('from', 'The first moment that counts, ISO 8601.'),
  filter('to', 'The first moment that no longer counts, ISO 8601; a bare day is counted whole.'),
  filter('key_id', 'Of this key.'),
  filter('model', 'Of this model name, as the client wrote it.'),
  filter('provider', 'Answered by this provider.'),
  {
    ...filter('outcome', 'That ended so.'),
    schema: choice(['completed', 'failed', 'abandoned', 'refused']),
  },
  filter('tag', 'With this tag.'),
  filter('request_id', 'This one.'),
];

/** For the operator, with the admin key. */
export const adminPaths: Paths = {
  '/admin/keys': {
    post: {
      operationId: 'createKey',
      summary: 'Make a virtual key',
      tags: ['Admin'],
      security: ADMIN_KEY,
      requestBody: {
        required: true,
        content: json(ref('NewKey'), { name: 'ci', models: ['gpt-*'], rpm: 60, budget: { usd: 20, per: 'month' } }),
      },
      responses: {
        201: answer('The key. It is kept only as a digest, so this is the time to copy it.', ref('CreatedKey')),
        ...failures(400, 401, 403, 413, 415),
      },
    },
    get: {
      operationId: 'listKeys',
      summary: 'List the virtual keys',
      tags: ['Admin'],
      security: ADMIN_KEY,
      parameters: PAGE,
      responses: {
        200: answer('Newest first, without the keys themselves.', ref('KeyList')),
        ...failures(400, 401, 403),
      },
    },
  },
  '/admin/keys/{id}': {
    get: {
      operationId: 'getKey',
      summary: 'Show a virtual key',
      tags: ['Admin'],
      security: ADMIN_KEY,
      parameters: [KEY_ID],
      responses: { 200: answer('The key’s terms, without the key itself.', ref('Key')), ...failures(401, 403, 404) },
    },
    delete: {
      operationId: 'deleteKey',
      summary: 'Delete a virtual key',
      description: 'It stops working at once; its usage records stay.',
      tags: ['Admin'],
      security: ADMIN_KEY,
      parameters: [KEY_ID],
      responses: { 200: answer('It is gone.', ref('DeletedKey')), ...failures(401, 403, 404) },
    },
  },
  '/admin/providers': {
    get: {
      operationId: 'listProviders',
      summary: 'Show how the providers are',
      description:
        'As this replica sees them: status, credentials, and what is known of each model that a route leads to or that was called. All on one page.',
      tags: ['Admin'],
      security: ADMIN_KEY,
      responses: { 200: answer('In the order of the configuration.', ref('ProviderList')), ...failures(400, 401, 403) },
    },
  },
  '/admin/requests': {
    get: {
      operationId: 'listRequests',
      summary: 'List what was asked and how it ended',
      tags: ['Admin'],
      security: ADMIN_KEY,
      parameters: [...FILTERS, ...PAGE],
      responses: { 200: answer('Newest first.', ref('RequestRecordList')), ...failures(400, 401, 403) },
    },
  },
};
