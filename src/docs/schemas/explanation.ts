import {
  anyObject,
  choice,
  flag,
  integer,
  listOf,
  mapOf,
  nullable,
  number,
  object,
  only,
  text,
  type Schemas,
} from './schema.js';

/** What `x-parley-explain` answers. */
export const explanationSchemas: Schemas = {
  Explanation: object({
    object: only('explanation'),
    model: text('What the client wrote.'),
    plan: listOf(
      object(
        { provider: text(), model: text('The id that would be sent.'), chosen: flag() },
        { reason: text('Why it is not the one, as `lower_priority`.') },
      ),
      'In the order in which they would be tried.',
    ),
    upstream_request: nullable(
      object(
        { method: text(), url: text(), headers: mapOf({ type: 'string' }), body: anyObject() },
        {},
        'As it would be sent, with `[secret]` for every credential. Null: a parameter is refused, or the provider opens no connection.',
      ),
    ),
    params: listOf(
      object(
        {
          path: text('As `tools` or `messages[0].name`.'),
          treatment: choice(['forwarded', 'adapted', 'dropped', 'refused']),
        },
        { to: text('What it becomes.'), reason: text() },
      ),
      'Every parameter that was sent, then the places below them where something is changed.',
    ),
    estimate: object({
      prompt_tokens: integer('By length, as what the provider reported of earlier requests teaches.'),
      max_completion_tokens: nullable(integer('As asked for, else the most that the model gives. Null: not known.')),
      cost_usd: nullable(number('If all of these tokens are used. Null: not known.')),
    }),
    limits: listOf(
      object({
        scope: choice(['key', 'team', 'model']),
        kind: choice(['rpm', 'tpm', 'concurrency', 'budget']),
        would_bind: flag('It would refuse the request now.'),
      }),
      'Every limit that the request counts against.',
    ),
  }),
};
