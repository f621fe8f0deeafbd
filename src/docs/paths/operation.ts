import { COMMON_HEADERS, FAILURE_HEADERS, RETRY_HEADERS, type Header, type Parameter } from '../headers.js';
import { between, integer, ref, text, type Schema } from '../schemas/schema.js';

/** The part of OpenAPI 3.1 that this document uses. */
export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly [string];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, Response>>;
}

export type Content = Readonly<Record<string, { readonly schema: Schema; readonly example?: unknown }>>;

export interface Response {
  readonly description: string;
  readonly headers?: Readonly<Record<string, Header>>;
  readonly content?: Content;
}

export type Method = 'get' | 'post' | 'patch' | 'delete';
export type Paths = Readonly<Record<string, Partial<Readonly<Record<Method, Operation>>>>>;

/** Any of the three headers that carry a virtual key. */
export const VIRTUAL_KEY = [{ bearer: [] }, { xApiKey: [] }, { apiKey: [] }];
export const ADMIN_KEY = [{ adminKey: [] }];
export const NO_KEY: Operation['security'] = [];

export const json = (schema: Schema, example?: unknown): Content => ({
  'application/json': { schema, ...(example !== undefined && { example }) },
});

/** A success that is JSON. */
export const answer = (
  description: string,
  schema: Schema,
  headers: Readonly<Record<string, Header>> = {},
): Response => ({
  description,
  headers: { ...COMMON_HEADERS, ...headers },
  content: json(schema),
});

const FAILURES: Readonly<Record<number, string>> = {
  400: 'The request is wrong; `param` says where.',
  401: 'No key, or one that is not known.',
  403: 'The key may not do this.',
  404: 'There is no such thing; for a model the message names the nearest names.',
  409: 'There is one already, or it is not for the API to change.',
  413: 'The body is too large.',
  415: 'The body is not JSON.',
  429: 'A limit is reached, here or at the provider, or the budget is used up.',
  500: 'The gateway failed.',
  502: 'The provider failed, refused the gateway’s own key, or could not be reached.',
  503: 'Overloaded, here or at the provider, about to stop, or without its database.',
  504: 'The provider did not answer in time.',
};

/** The failures an operation can end in, all of one form. */
export function failures(...statuses: readonly number[]): Readonly<Record<string, Response>> {
  return Object.fromEntries(
    statuses.map((status) => [
      String(status),
      {
        description: FAILURES[status] ?? 'A failure.',
        headers: {
          ...COMMON_HEADERS,
          ...FAILURE_HEADERS,
          ...(status === 429 || status === 503 ? RETRY_HEADERS : {}),
        },
        content: json(ref('Error')),
      },
    ]),
  );
}

/** What every list takes. */
export const PAGE: readonly Parameter[] = [
  { name: 'limit', in: 'query', description: 'How many at most.', schema: between(integer(), 1, 500) },
  { name: 'cursor', in: 'query', description: '`next_cursor` of the page before.', schema: text() },
];

/** A parameter that narrows a list. */
export const filter = (name: string, description: string): Parameter => ({
  name,
  in: 'query',
  description,
  schema: text(),
});
