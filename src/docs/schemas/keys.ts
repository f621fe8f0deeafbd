import {
  between,
  flag,
  integer,
  listOf,
  nullable,
  object,
  only,
  page,
  ref,
  request,
  text,
  time,
  type Schema,
  type Schemas,
} from './schema.js';

const LIMIT = (description: string): Schema => nullable({ ...integer(description), minimum: 1 });
const NAME: Schema = { ...text(), minLength: 1, maxLength: 200 };

const LIMITS: Schemas = {
  rpm: LIMIT('Requests in 60 seconds.'),
  tpm: LIMIT('Tokens in 60 seconds.'),
  concurrency: LIMIT('Requests at once.'),
  budget: ref('Budget'),
};

const KEY_TERMS: Schemas = {
  owner: text('Who the key belongs to: the team of that name, if there is one.'),
  tags: listOf({ type: 'string' }),
  models: listOf({ type: 'string' }, 'Globs of the model names the key may use. Null: all.'),
  allowed_ips: listOf({ type: 'string' }, 'Addresses and networks it may come from. Null: any.'),
  ...LIMITS,
  expires_at: time(),
  disabled: flag(),
};

/** Keys and teams, as the operator writes and reads them. */
export const keySchemas: Schemas = {
  NewKey: {
    ...request({ name: NAME }, KEY_TERMS),
    // A limit misspelt would be no limit.
    additionalProperties: false,
  },
  KeyChange: { ...request({}, { name: NAME, ...KEY_TERMS }), additionalProperties: false },
  KeyRotation: {
    ...request({}, { grace_seconds: between(integer('How long the old key stays good; 86400.'), 0, 2_592_000) }),
    additionalProperties: false,
  },
  Key: object(
    {
      id: text(),
      key_prefix: text('The start of the key, to recognise it by.'),
      name: text(),
      ...shown(KEY_TERMS),
      created_at: time(),
    },
    { previous_key_expires_at: time('Until when the key that this one replaced is good; absent where it is not.') },
  ),
  CreatedKey: {
    allOf: [ref('Key'), object({ key: text('The key itself. It is shown only this once.') })],
  },
  DeletedKey: object({ id: text(), object: only('key'), deleted: flag() }),
  KeyList: page('Key'),
  NewTeam: { ...request({ name: NAME }, LIMITS), additionalProperties: false },
  TeamChange: { ...request({}, LIMITS), additionalProperties: false },
  Team: object({
    object: only('team'),
    name: text('What keys have as their owner.'),
    ...shown(LIMITS),
    created_at: nullable(time('Null: it stands in the configuration.')),
  }),
  DeletedTeam: object({ name: text(), object: only('team'), deleted: flag() }),
  TeamList: page('Team'),
};

/** What a request may leave out or set to null, an answer always shows. */
function shown(members: Schemas): Schemas {
  const always = ['tags', 'disabled'];
  return Object.fromEntries(
    Object.entries(members).map(([name, schema]) => [name, always.includes(name) ? schema : nullable(schema)]),
  );
}
