import type { ChatRequest } from '../../domain/chat.js';
import type { Route } from '../../domain/deployment.js';
import { withFields } from '../../domain/json-source.js';

/** A request with the route's defaults, and which fields those are. */
export interface Completed {
  readonly request: ChatRequest;
  readonly defaulted: ReadonlySet<string>;
}

/** Two names of one limit: where the client gave the one, it has spoken of both. */
const TOKEN_LIMITS = ['max_tokens', 'max_completion_tokens'];
const NONE: ReadonlySet<string> = new Set();

/** Fills in the route's defaults where the client says nothing. */
export function completed(asked: ChatRequest, { defaults }: Route): Completed {
  const fields = Object.entries(defaults);
  if (fields.length === 0) return { request: asked, defaulted: NONE };
  const isLimited = TOKEN_LIMITS.some((limit) => asked[limit] != null);
  const isSpoken = (field: string) => asked[field] != null || (isLimited && TOKEN_LIMITS.includes(field));
  const missing = new Map(fields.filter(([field]) => !isSpoken(field)));
  if (missing.size === 0) return { request: asked, defaulted: NONE };
  return { request: withFields(asked, missing) as ChatRequest, defaulted: new Set(missing.keys()) };
}
