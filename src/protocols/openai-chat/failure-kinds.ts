import { UpstreamError, type ErrorDetail } from '../../domain/errors.js';

/** What a provider says of a failure, whichever of a dozen shapes it chose. */
export interface Reported {
  readonly message: string;
  readonly type: string | undefined;
  readonly code: string | undefined;
  readonly param: string | undefined;
  /** Azure's account of what its content filter saw. */
  readonly innererror: unknown;
}

/** Words by which providers say that the conversation does not fit the model. */
const TOO_LONG =
  /maximum context length|context_length_exceeded|context window|too many tokens|prompt (is )?too long|input is too long|exceed_context_size|maximum prompt length|exceeds? the (maximum number of tokens|available context)|input (length|token).*exceed|exceeds? (the )?context limit|exceeded max context length|exceeds the limit of \d+ tokens|too large for model with|exceeded model token limit|tokens. must be <=|range of input length|prompt exceeds max length|greater than the context length|context (the )?overflows/i;
const BAD_CREDENTIAL = /api key not valid|api_key_invalid|api key expired|invalid api key|incorrect api key/i;
const NO_CREDIT =
  /insufficient_quota|exceeded your current quota|credit balance|insufficient balance|spend limit|arrearage|exceeded_current_quota/i;
const CONTENT_POLICY =
  /content_filter|content_policy_violation|data_inspection_failed|ResponsibleAIPolicyViolation|content management policy/i;
const NO_MODEL = /model|deployment|endpoint/i;
const OVERLOADED = /overloaded/i;

const INVALID = 'invalid_request_error';
const SERVER = 'server_error';

/** Gives a provider's failure the status, type and code that OpenAI's own API would give it. */
export function classify(reported: Reported, status: number, retryAfterMs?: number): UpstreamError {
  const detail = kindOf(reported, status);
  const wait = retryAfterMs ?? waitInWords(reported.message, status);
  return new UpstreamError(detail.message ?? redact(reported.message), {
    ...detail,
    upstreamStatus: status,
    retryAfterMs: wait,
    ...(reported.innererror !== undefined && { extra: { innererror: reported.innererror } }),
  });
}

type Kind = ErrorDetail & { readonly message?: string };

function kindOf(reported: Reported, status: number): Kind {
  const words = `${reported.message} ${reported.code ?? ''} ${reported.type ?? ''}`;
  if (status < 500 && status !== 429 && TOO_LONG.test(words)) return contextLength(reported);
  if (status === 403 && CONTENT_POLICY.test(words)) return invalid(reported, 400, 'content_policy_violation');
  if (refusesUs(status, words)) return BAD_CREDENTIAL_OF_OURS;
  if (isOutOfCredit(reported, status, words)) return OUT_OF_CREDIT;
  if (status === 429)
    return OVERLOADED.test(words) ? NO_CAPACITY : { status, type: limitType(reported), code: 'rate_limit_exceeded' };
  return BY_STATUS[status] ?? byRange(reported, status, words);
}

/** Our credential is the gateway's business: the client must not be told that its own key is bad, nor shown ours. */
const BAD_CREDENTIAL_OF_OURS: Kind = {
  status: 502,
  type: SERVER,
  code: 'upstream_authentication',
  message: 'The provider refused the credential of this gateway.',
};
const OUT_OF_CREDIT: Kind = { status: 429, type: 'insufficient_quota', code: 'insufficient_quota' };
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
  if (status === 404 && NO_MODEL.test(words)) return { status, type: INVALID, code: 'model_not_found' };
  return invalid(reported, status === 404 || status === 409 || status === 413 ? status : 400);
}

const refusesUs = (status: number, words: string): boolean =>
  status === 401 || status === 403 || (status === 400 && BAD_CREDENTIAL.test(words));

const isOutOfCredit = ({ code }: Reported, status: number, words: string): boolean =>
  status === 402 || (status < 500 && code !== 'rate_limit_exceeded' && NO_CREDIT.test(words));

/** OpenAI says by the type which limit was hit. */
function limitType({ message, type }: Reported): string {
  if (type === 'requests' || type === 'tokens') return type;
  return /token/i.test(message) && !/request/i.test(message) ? 'tokens' : 'requests';
}

function invalid(reported: Reported, status: number, code?: string): Kind {
  const given = reported.code !== undefined && /^[a-z][a-z0-9_]*$/i.test(reported.code) ? reported.code : null;
  return { status, type: INVALID, code: code ?? given, param: reported.param ?? null };
}

/** Clients compact a conversation by this code, and some by the phrase. */
function contextLength({ message, param }: Reported): Kind {
  const phrase = /maximum context length/i.test(message)
    ? redact(message)
    : `This request exceeds the model's maximum context length. ${redact(message)}`;
  return { status: 400, type: INVALID, code: 'context_length_exceeded', param: param ?? 'messages', message: phrase };
}

/** "try again in 1.146s", "retry after 20 seconds", "in 6m0s". */
function waitInWords(message: string, status: number): number | undefined {
  if (status !== 429 && status !== 503) return undefined;
  const found = /(?:try again in|retry after|retry in) (?:(\d+)m(?!s))?(\d+(?:\.\d+)?)? ?(ms|s)?/i.exec(message);
  if (found === null) return undefined;
  const [, minutes = '0', amount = '0', unit = 's'] = found;
  const wait = Number(minutes) * 60_000 + Number(amount) * (unit.toLowerCase() === 'ms' ? 1 : 1000);
  return wait > 0 ? Math.ceil(wait) : undefined;
}

/** Keys, organisations and projects of the gateway's account are nobody else's business. */
export function redact(message: string): string {
  return message
    .replace(/\b(?:(?:sk|gsk|xai|pplx|csk|nvapi|hf)[-_]|AIza)[\w*.-]{6,}/g, '[secret]')
    .replace(/\b(?:org|proj)[-_][A-Za-z0-9]{6,}/g, '[account]')
    .replace(/\bBearer\s+\S+/gi, 'Bearer [secret]');
}
