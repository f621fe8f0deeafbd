import { type UpstreamError } from '../../domain/errors.js';
import type { WireFailure } from '../protocol.js';
import { classify, statusInWords, UNTOLD, type Reported } from '../failure/failure-kinds.js';
import { plainText, retryAfterMs } from '../failure/failure-reading.js';
import { isObject, isShallow, parsedJson, type Json } from '../json.js';
import { type WireAnswer, type WireChoice } from './wire.js';

/** A failure with a status of its own. */
export function chatFailure({ status, headers, body }: WireFailure): UpstreamError {
  const reported = readReport(parsedJson(body)) ?? { ...UNTOLD, message: plainText(body) };
  return classify(reported, status, retryAfterMs(headers));
}

/** A failure inside a 200: a body, a stream event or a choice. Undefined where it reports none. */
export function reportedFailure(wire: WireAnswer | WireChoice): UpstreamError | undefined {
  const minimax = minimaxReport(wire);
  if (minimax !== undefined) return classify(minimax, statusIn(minimax.code, minimax));
  if (saysItFailed(wire)) return classify(readReport(wire) ?? UNTOLD, statusIn(wire['code'], readReport(wire)));
  const groq = wire.x_groq;
  const error = present(wire.error) ?? (isObject(groq) ? present(groq['error']) : undefined);
  if (error === undefined) return undefined;
  const reported = readReport({ error }) ?? UNTOLD;
  return classify(
    reported,
    statusIn(isObject(error) ? (error['code'] ?? error['status_code'] ?? error['status']) : undefined, reported),
  );
}

function minimaxReport({ base_resp: report }: WireAnswer | WireChoice): Reported | undefined {
  if (!isObject(report) || typeof report['status_code'] !== 'number' || report['status_code'] === 0) return undefined;
  const message = text(report['status_msg']) ?? 'The provider failed.';
  return { ...UNTOLD, message, code: String(report['status_code']) };
}

/** vLLM and Mistral report a failure in a flat object of that name, Cloudflare by a flag. */
const saysItFailed = ({ object, success, choices }: WireAnswer | WireChoice): boolean =>
  choices === undefined && (object === 'error' || success === false);

const present = (value: unknown): unknown =>
  value === null || value === undefined || value === '' || value === false ? undefined : value;

/** Reads `{error:{…}}`, `{error:"…"}`, flat, `{detail}`, `{errors:[…]}` and arrays of these. */
function readReport(value: unknown): Reported | undefined {
  const body = Array.isArray(value) ? (value[0] as unknown) : value;
  if (!isObject(body)) return undefined;
  const { error, errors, detail } = body;
  const inner = [error, Array.isArray(errors) ? (errors[0] as unknown) : undefined, body].find(isObject) ?? body;
  const words = [inner['message'], error, detail, inner['msg'], body['message']].map(text);
  const message =
    words.find((said) => said !== undefined) ??
    (Array.isArray(detail) && isShallow(detail, DEEPEST) ? JSON.stringify(detail) : undefined);
  if (message === undefined && !isObject(error)) return undefined;
  return {
    message: withRawReason(message ?? UNTOLD.message, inner),
    type: text(inner['type']) ?? text(body['error_type']),
    code: text(typeof inner['code'] === 'number' ? String(inner['code']) : inner['code']),
    param: text(inner['param']),
    innererror: isShallow(inner['innererror'], DEEPEST) ? inner['innererror'] : undefined,
  };
}

/** OpenRouter says only "Provider returned error" and puts the provider's own words beside it. */
function withRawReason(message: string, { metadata }: Json): string {
  const raw = isObject(metadata) ? text(metadata['raw']) : undefined;
  if (raw === undefined) return message;
  const reported = readReport(parsedJson(raw));
  return `${message}: ${reported?.message ?? raw.slice(0, 500)}`;
}

/** The status a failure inside a 200 would have had. */
function statusIn(code: unknown, reported: Reported = UNTOLD): number {
  const { type, code: word } = reported;
  const status = Number(code);
  if (Number.isInteger(status) && status >= 400 && status < 600) return status;
  const named = WORDS.get(word ?? '') ?? WORDS.get(type ?? '') ?? MINIMAX.get(String(code));
  return named ?? statusInWords(reported) ?? 502;
}

const WORDS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    rate_limit_exceeded: 429,
    rate_limit_error: 429,
    slow_down: 429,
    requests: 429,
    tokens: 429,
    insufficient_quota: 429,
    invalid_request_error: 400,
    context_length_exceeded: 400,
    authentication_error: 401,
    not_found_error: 404,
    overloaded_error: 503,
    server_error: 500,
  }),
);

/** MiniMax's `status_code` in `base_resp`. */
const MINIMAX: ReadonlyMap<string, number> = new Map(
  Object.entries({
    '1002': 429,
    '1004': 401,
    '1008': 402,
    '1026': 400,
    '1027': 400,
    '1039': 400,
    '2013': 400,
  }),
);

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** An account of a failure that is nested deeper is not an account. */
const DEEPEST = 8;
