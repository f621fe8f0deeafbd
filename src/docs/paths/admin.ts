import type { Parameter } from '../headers.js';
import { choice, ref } from '../schemas/schema.js';
import { keyPaths, teamPaths } from './keys.js';
import { ADMIN_KEY, answer, failures, filter, PAGE, type Paths } from './operation.js';

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
  ...keyPaths,
  ...teamPaths,
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
