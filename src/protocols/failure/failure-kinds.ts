import { UpstreamError, type ErrorDetail } from '../../domain/errors.js';
import { waitInWords } from './wait-in-words.js';

/** What a provider says of a failure, whichever of a dozen shapes it chose. */
export interface Reported {
  readonly message: string;
  readonly type: string | undefined;
  readonly code: string | undefined;
  readonly param: string | undefined;
  /** Azure's account of what its content filter saw. */
  readonly innererror: unknown;
}

export const UNTOLD: Reported = {
  message: 'The provider failed without saying why.',
  type: undefined,
  code: undefined,
  param: undefined,
  innererror: undefined,
};

/** Words by which providers say that the conversation does not fit the model. */
const TOO_LONG =
  /maximum context length|context_length_exceeded|context window|too many tokens|prompt (is )?too long|input is too long|exceed_context_size|maximum prompt length|exceeds? the (maximum number of tokens|available context)|input (length|token).{0,200}?exceed|exceeds? (the )?context limit|exceeded max context length|exceeds the limit of \d+ tokens|too large for model with|exceeded model token limit|tokens. must be <=|range of input length|prompt exceeds max length|greater than the context length|context (the )?overflows/i;
const BAD_CREDENTIAL = /api key not valid|api_key_invalid|api key expired|invalid api key|incorrect api key/i;
const NO_CREDIT =
  /insufficient_quota|exceeded your current quota|credit balance|insufficient balance|spend limit|arrearage|exceeded_current_quota/i;
const CONTENT_POLICY =
  /content_filter|content_policy_violation|data_inspection_failed|ResponsibleAIPolicyViolation|content management policy|requires moderation|input was flagged/i;
const NO_MODEL =
  /\b(model|deployment|resource|endpoint)\b.{0,200}?(does not exist|doesn't exist|not exist|not (be )?found)|\b(no|unknown) (such )?(model|deployment|endpoint)s?\b/i;
/** Codes that say no more than the status does. */
const JUST_NOT_FOUND = /^(deployment_?)?not_?found(_?error)?$/i;
/** Newer words of OpenAI for a quota that is used up; clients are told which. */
const QUOTAS: ReadonlySet<string | undefined> = new Set([
  'credit_balance_exhausted',
  'organization_spend_limit_exceeded',
  'project_spend_limit_exceeded',
  'organization_usage_limit_exceeded',
]);
const TOKEN_LIMIT = /tokens? per|\bTP[MD]\b|token (rate )?limit|too many tokens/i;
const OVERLOADED = /overloaded/i;

/** What asks for more than a day, up to for ever, is a fault: clients are told what a timer can count. */
const LONGEST_WAIT_MS = 24 * 60 * 60 * 1_000;

const INVALID = 'invalid_request_error';
const SERVER = 'server_error';

/** Gives a provider's failure the status, type and code that OpenAI's own API would give it. */
export function classify(reported: Reported, status: number, retryAfterMs?: number): UpstreamError {
  const detail = kindOf(reported, status);
  const wait = retryAfterMs ?? (status === 429 || status === 503 ? waitInWords(reported.message) : undefined);
  return new UpstreamError(detail.message ?? redact(reported.message), {
    ...detail,
    upstreamStatus: status,
    retryAfterMs: wait === undefined ? undefined : Math.min(wait, LONGEST_WAIT_MS),
    ...(reported.innererror !== undefined && { extra: { innererror: reported.innererror } }),
  });
}

/** The status that the words of a failure call for, where it came with neither a status nor a code. */
export function statusInWords(reported: Reported): number | undefined {
  const words = allWords(reported);
  return TOO_LONG.test(words) || CONTENT_POLICY.test(words) ? 400 : undefined;
}

/** The beginning says it; providers quote whole prompts after it. */
const allWords = ({ message, code = '', type = '' }: Reported): string => `${message.slice(0, 4_000)} ${code} ${type}`;

type Kind = ErrorDetail & { readonly message?: string };

function kindOf(reported: Reported, status: number): Kind {
  const words = allWords(reported);
  if (status < 500 && status !== 429 && TOO_LONG.test(words)) return contextLength(reported);
  if ((status === 403 || status === 400) && CONTENT_POLICY.test(words)) return contentPolicy(reported, status);
  if (refusesUs(status, words)) return { ...BAD_CREDENTIAL_OF_OURS, reason: redact(reported.message).slice(0, 500) };
  if (isOutOfCredit(reported, status, words)) return outOfCredit(reported);
  if (status === 429) return OVERLOADED.test(words) ? NO_CAPACITY : tooMuch(reported);
  return BY_STATUS[status] ?? byRange(reported, status, words);
}

/** Our credential is the gateway's business: the client must not be told that its own key is bad, nor shown ours. */
const BAD_CREDENTIAL_OF_OURS: Kind = {
  status: 502,
  type: SERVER,
  code: 'upstream_authentication',
  message: 'The provider refused the credential of this gateway.',
};
const NO_CAPACITY: Kind = { status: 503, type: 'service_unavailable_error', code: 'server_is_overloaded' };
const TOO_SLOW: Kind = { status: 504, type: SERVER, code: 'timeout' };
const FAILED: Kind = { status: 502, type: SERVER, code: 'upstream_error' };

/** 498 is Groq's word for no capacity, 529 Anthropic's. 405 and 424 are faults between us and the provider. */
const BY_STATUS: Readonly<Record<number, Kind>> = {
  405: FAILED,
  408: TOO_SLOW,
  424: FAILED,
  498: NO_CAPACITY,
  500: { ...FAILED, status: 500 },
  503: NO_CAPACITY,
  504: TOO_SLOW,
  529: NO_CAPACITY,
};

/** What is left: the client's own fault, told with the statuses OpenAI has for it, or the provider's. */
function byRange(reported: Reported, status: number, words: string): Kind {
  if (status < 400 || status > 499) return FAILED;
  if (status === 404) return notFound(reported, words);
  return invalid(reported, status === 409 || status === 413 ? status : 400);
}

const refusesUs = (status: number, words: string): boolean =>
  status === 401 || status === 403 || (status === 400 && BAD_CREDENTIAL.test(words));

const isOutOfCredit = ({ code }: Reported, status: number, words: string): boolean =>
  status === 402 || QUOTAS.has(code) || (status < 500 && code !== 'rate_limit_exceeded' && NO_CREDIT.test(words));

function outOfCredit({ code }: Reported): Kind {
  const known = code !== undefined && QUOTAS.has(code) ? code : 'insufficient_quota';
  return { status: 429, type: 'insufficient_quota', code: known };
}

/** OpenAI says by the type which limit was hit, and by a code of its own that the load grew too fast. */
function tooMuch({ message, type, code }: Reported): Kind {
  if (code === 'slow_down') return { status: 429, type: 'rate_limit_error', code };
  const told = type === 'requests' || type === 'tokens' ? type : undefined;
  const limit = told ?? (TOKEN_LIMIT.test(message) ? 'tokens' : 'requests');
  return { status: 429, type: limit, code: 'rate_limit_exceeded' };
}

function contentPolicy(reported: Reported, status: number): Kind {
  const kind = invalid(reported, 400);
  return status === 400 && kind.code !== null ? kind : { ...kind, code: 'content_policy_violation' };
}

/** A model that is there and cannot do this is not a model that is missing. */
function notFound(reported: Reported, words: string): Kind {
  const kind = invalid(reported, 404);
  const saysLittle = kind.code == null || JUST_NOT_FOUND.test(kind.code);
  return saysLittle && NO_MODEL.test(words) ? { ...kind, code: 'model_not_found' } : kind;
}

function invalid(reported: Reported, status: number): Kind {
  const given = reported.code !== undefined && /^[a-z][a-z0-9_]*$/i.test(reported.code) ? reported.code : null;
  return { status, type: INVALID, code: given, param: reported.param ?? null };
}

/** Clients compact a conversation by this code, and some by the phrase. */
function contextLength({ message, param }: Reported): Kind {
  const phrase = /maximum context length/i.test(message)
    ? redact(message)
    : `This request exceeds the model's maximum context length. ${redact(message)}`;
  return { status: 400, type: INVALID, code: 'context_length_exceeded', param: param ?? 'messages', message: phrase };
}

/** Keys, organisations and projects of the gateway's account are nobody else's business. */
export function redact(message: string): string {
  return message
    .replace(/\b(?:(?:sk|gsk|xai|pplx|csk|nvapi|hf)[-_]|AIza)[\w*.-]{6,}/g, '[secret]')
    .replace(/\b(?:org|proj)[-_][A-Za-z0-9]{6,}/g, '[account]')
    .replace(/\bBearer\s+\S+/gi, 'Bearer [secret]');
}
