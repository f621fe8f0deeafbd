import { integer, number, text, type Schema } from './schemas/schema.js';

export interface Header {
  readonly description: string;
  readonly schema: Schema;
}

/** A parameter of an operation, as OpenAPI has it. */
export interface Parameter extends Header {
  readonly name: string;
  readonly in: 'header' | 'path' | 'query';
  readonly required?: boolean;
}

/** On every answer, errors and streams included. */
export const COMMON_HEADERS: Readonly<Record<string, Header>> = {
  'x-request-id': { description: 'Names the request in logs and usage records: `req_…`.', schema: text() },
  'x-client-request-id': { description: 'As the client sent it; absent where it sent none.', schema: text() },
  'openai-processing-ms': { description: 'Milliseconds from arrival to answer.', schema: integer() },
  'openai-version': { description: 'Of the API that is spoken.', schema: text() },
};

/** Where limits apply, on refusals too: of the limit that has the least share left. */
export const LIMIT_HEADERS: Readonly<Record<string, Header>> = {
  ...windowHeaders('requests'),
  ...windowHeaders('tokens'),
  'x-parley-cut-off': {
    description: '`budget`: this stream is ended, as by its length, where the budget runs out.',
    schema: text(),
  },
};

function windowHeaders(what: string): Readonly<Record<string, Header>> {
  return {
    [`x-ratelimit-limit-${what}`]: { description: `As many ${what} in any 60 seconds.`, schema: integer() },
    [`x-ratelimit-remaining-${what}`]: { description: 'What is left of them.', schema: integer() },
    [`x-ratelimit-reset-${what}`]: { description: 'Until all are there again, as `1m0s` or `84ms`.', schema: text() },
  };
}

/** Once a target was chosen. */
export const TARGET_HEADERS: Readonly<Record<string, Header>> = {
  'x-parley-provider': { description: 'The provider that answered.', schema: text() },
  'x-parley-model': { description: 'The model id that was sent to it.', schema: text() },
  'x-parley-attempts': { description: 'Calls that were made to providers.', schema: integer() },
  'x-parley-overhead-ms': {
    description: 'Milliseconds spent in the gateway itself, waits between attempts and for a turn included.',
    schema: number(),
  },
  'x-parley-dropped-params': {
    description: 'Paths of parameters that the target cannot honour and that were left out, with commas between.',
    schema: text(),
  },
  'x-parley-adapted-params': {
    description: 'Paths of parameters that were sent in another form, with commas between.',
    schema: text(),
  },
  'x-parley-cost-usd': {
    description: 'What the answer cost, where the price is known. Not on streams.',
    schema: number(),
  },
  'x-parley-replayed': {
    description:
      'Where the answer is that of an earlier request: its `x-request-id`. It was paid for once; the headers of the target are of the calls made then.',
    schema: text(),
  },
};

/** On a failure. */
export const FAILURE_HEADERS: Readonly<Record<string, Header>> = {
  'x-should-retry': { description: 'Whether a client should try again: `true` or `false`.', schema: text() },
};

/** Where the wait is known. */
export const RETRY_HEADERS: Readonly<Record<string, Header>> = {
  'retry-after': { description: 'Seconds to wait.', schema: integer() },
  'retry-after-ms': { description: 'The same in milliseconds.', schema: integer() },
};

/** What a client can ask of the gateway itself. */
export const CHAT_REQUEST_HEADERS: readonly Parameter[] = [
  {
    name: 'x-parley-strict',
    in: 'header',
    description: '`true`: a parameter that the target cannot honour is refused instead of adapted or dropped.',
    schema: text(),
  },
  {
    name: 'x-parley-explain',
    in: 'header',
    description:
      '`true`: nothing is sent to the provider. The answer, always one JSON object, tells what would be: an `Explanation`.',
    schema: text(),
  },
  {
    name: 'x-parley-timeout-ms',
    in: 'header',
    description: 'The longest the whole answer may take, retries and fallbacks included, in milliseconds.',
    schema: integer(),
  },
  {
    name: 'x-stainless-timeout',
    in: 'header',
    description:
      'Sent by SDKs, as is `x-stainless-read-timeout`: how many seconds they wait for an answer to begin. No attempt is made after that.',
    schema: number(),
  },
  {
    name: 'idempotency-key',
    in: 'header',
    description:
      'Printable ASCII of at most 255 characters. A request with the same key within 10 s joins this one or gets its answer again, and this one goes on if its client leaves.',
    schema: text(),
  },
  {
    name: 'x-stainless-retry-count',
    in: 'header',
    description:
      'Sent by SDKs. From 1 on, a request equal to one of the last 10 s joins that one or gets its answer again.',
    schema: integer(),
  },
  {
    name: 'x-parley-replay',
    in: 'header',
    description: '`false`: a call of its own, whatever was asked before; nor is its answer kept for others.',
    schema: text(),
  },
  {
    name: 'x-client-request-id',
    in: 'header',
    description: 'Your own name for the request, printable ASCII of at most 512 characters: sent back and logged.',
    schema: text(),
  },
  {
    name: 'x-parley-tags',
    in: 'header',
    description: 'Tags kept on the usage record, with commas between.',
    schema: text(),
  },
];
