import type { Parameter } from '../headers.js';
import { choice, ref, text } from '../schemas/schema.js';
import { keyPaths, teamPaths } from './keys.js';
import { ADMIN_KEY, answer, failures, filter, json, PAGE, type Paths } from './operation.js';

const SUM_FILTERS: readonly Parameter[] = [
  filter('from', 'The first moment that counts, ISO 8601.'),
  filter('to', 'The first moment that no longer counts, ISO 8601; a bare day is counted whole.'),
  filter('key_id', 'Of this key.'),
  filter('owner', 'Of the keys that belonged to this owner at that time.'),
  filter('model', 'Of this model name, as the client wrote it.'),
  filter('provider', 'Answered by this provider.'),
  filter('tag', 'With this tag.'),
];

const FILTERS: readonly Parameter[] = [
  ...SUM_FILTERS,
  {
    ...filter('outcome', 'That ended so.'),
    schema: choice(['completed', 'failed', 'abandoned', 'refused']),
  },
  filter('request_id', 'This one.'),
];

const DIMENSIONS = ['key', 'owner', 'model', 'provider', 'day', 'tag'];
const CSV = 'text/csv';

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
      responses: { 200: answer('Newest first.', ref('RequestRecordList')), ...failures(400, 401, 403, 503) },
    },
  },
  '/admin/usage': {
    get: {
      operationId: 'sumUsage',
      summary: 'Add up what was used',
      description:
        'One row for each combination of what is grouped by, or one of everything. Without `from`: of the UTC month that `to` is in, or of this one. With `accept: text/csv` it is a table of all pages at once, which takes neither `limit` nor `cursor`. Over a request with several tags, groups by tag overlap.',
      tags: ['Admin'],
      security: ADMIN_KEY,
      parameters: [
        ...SUM_FILTERS,
        filter('group_by', `Some of ${DIMENSIONS.map((name) => `\`${name}\``).join(', ')}, with commas between.`),
        ...PAGE,
      ],
      responses: {
        200: {
          ...answer('Newest day first, and then by the other values as letters sort.', ref('UsageGroupList')),
          content: { ...json(ref('UsageGroupList')), [CSV]: { schema: text('The same with a line of names.') } },
        },
        ...failures(400, 401, 403, 503),
      },
    },
  },
};
