import type { Parameter } from '../headers.js';
import { choice, ref, text } from '../schemas/schema.js';
import { ADMIN_KEY, answer, failures, filter, json, PAGE, type Paths } from './operation.js';

const inPath = (name: string, description: string): Parameter => ({
  name,
  in: 'path',
  required: true,
  description,
  schema: text(),
});
const KEY_ID = inPath('id', 'The id of the key.');
const TEAM_NAME = inPath('name', 'The name of the team.');

const KEY_FILTERS: readonly Parameter[] = [
  filter('search', 'Part of the name, owner, id or prefix, in capitals or small letters.'),
  filter('owner', 'Of this owner.'),
  filter('tag', 'With this tag.'),
  { ...filter('disabled', 'Only those that are, or are not.'), schema: choice(['true', 'false']) },
];

export const keyPaths: Paths = {
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
        ...failures(400, 401, 403, 413, 415, 503),
      },
    },
    get: {
      operationId: 'listKeys',
      summary: 'List the virtual keys',
      tags: ['Admin'],
      security: ADMIN_KEY,
      parameters: [...KEY_FILTERS, ...PAGE],
      responses: {
        200: answer('Newest first, without the keys themselves.', ref('KeyList')),
        ...failures(400, 401, 403, 503),
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
      responses: {
        200: answer('The key’s terms, without the key itself.', ref('Key')),
        ...failures(401, 403, 404, 503),
      },
    },
    patch: {
      operationId: 'changeKey',
      summary: 'Change a virtual key, or revoke it',
      description: 'What is left out stays as it is, `null` clears. A key is revoked by `disabled: true`.',
      tags: ['Admin'],
      security: ADMIN_KEY,
      parameters: [KEY_ID],
      requestBody: { required: true, content: json(ref('KeyChange'), { rpm: 120, expires_at: null }) },
      responses: { 200: answer('As it is now.', ref('Key')), ...failures(400, 401, 403, 404, 413, 415, 503) },
    },
    delete: {
      operationId: 'deleteKey',
      summary: 'Delete a virtual key',
      description: 'It stops working at once; its usage records stay.',
      tags: ['Admin'],
      security: ADMIN_KEY,
      parameters: [KEY_ID],
      responses: { 200: answer('It is gone.', ref('DeletedKey')), ...failures(401, 403, 404, 503) },
    },
  },
  '/admin/keys/{id}/rotate': {
    post: {
      operationId: 'rotateKey',
      summary: 'Replace a virtual key by a new one',
      description: 'Id, terms and usage stay. The old key is good for a while longer; the one before that no more.',
      tags: ['Admin'],
      security: ADMIN_KEY,
      parameters: [KEY_ID],
      requestBody: { required: false, content: json(ref('KeyRotation'), { grace_seconds: 3600 }) },
      responses: { 200: answer('The new key.', ref('CreatedKey')), ...failures(400, 401, 403, 404, 413, 415, 503) },
    },
  },
};

export const teamPaths: Paths = {
  '/admin/teams': {
    post: {
      operationId: 'createTeam',
      summary: 'Make a team',
      description: 'Its limits are for all keys together that have its name as their owner.',
      tags: ['Admin'],
      security: ADMIN_KEY,
      requestBody: {
        required: true,
        content: json(ref('NewTeam'), { name: 'search', rpm: 600, budget: { usd: 500, per: 'month' } }),
      },
      responses: { 201: answer('The team.', ref('Team')), ...failures(400, 401, 403, 409, 413, 415, 503) },
    },
    get: {
      operationId: 'listTeams',
      summary: 'List the teams',
      tags: ['Admin'],
      security: ADMIN_KEY,
      parameters: PAGE,
      responses: {
        200: answer('By name, with those of the configuration.', ref('TeamList')),
        ...failures(400, 401, 403, 503),
      },
    },
  },
  '/admin/teams/{name}': {
    get: {
      operationId: 'getTeam',
      summary: 'Show a team',
      tags: ['Admin'],
      security: ADMIN_KEY,
      parameters: [TEAM_NAME],
      responses: { 200: answer('The team.', ref('Team')), ...failures(401, 403, 404, 503) },
    },
    patch: {
      operationId: 'changeTeam',
      summary: 'Change the limits of a team',
      description: 'What is left out stays as it is, `null` clears.',
      tags: ['Admin'],
      security: ADMIN_KEY,
      parameters: [TEAM_NAME],
      requestBody: { required: true, content: json(ref('TeamChange'), { rpm: 900 }) },
      responses: { 200: answer('As it is now.', ref('Team')), ...failures(400, 401, 403, 404, 409, 413, 415, 503) },
    },
    delete: {
      operationId: 'deleteTeam',
      summary: 'Delete a team',
      description: 'Its keys stay, bounded by their own limits alone.',
      tags: ['Admin'],
      security: ADMIN_KEY,
      parameters: [TEAM_NAME],
      responses: { 200: answer('It is gone.', ref('DeletedTeam')), ...failures(401, 403, 404, 409, 503) },
    },
  },
};
