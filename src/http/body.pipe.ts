import { Injectable, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
import { validateSync, type ValidationError } from 'class-validator';
import { InvalidRequestError, type ErrorDetail } from '../domain/errors.js';
import { DtoRules, type DtoClass } from './dto-rules.js';

/** `closed`: fields that it does not name are refused. `optional`: no body is as good as an empty one. */
type ClosableDto = DtoClass & { readonly closed?: boolean; readonly optional?: boolean };

const rules = new WeakMap<DtoClass, DtoRules>();

/**
 * Checks the fields a DTO names and hands on the body as it came: the rest belongs to the upstream.
 * Nest's own ValidationPipe would copy the whole conversation and delete keys such as `constructor` from it.
 */
@Injectable()
export class BodyPipe implements PipeTransform {
  transform(body: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if (type !== 'body' || metatype === undefined || (metatype as unknown) === Object) return body;
    if (body === undefined && (metatype as ClosableDto).optional === true) return {};
    if (typeof body !== 'object' || body === null)
      throw new InvalidRequestError('The request needs a body: a JSON object.');
    const dto = metatype as ClosableDto;
    const known = rulesOf(dto);
    if (dto.closed === true) refuseUnknown(body, known.fields);
    if (!known.hold(body)) findFault(dto, known.fields, body as Record<string, unknown>);
    return body;
  }
}

const OPTIONS = {
  forbidUnknownValues: false,
  stopAtFirstError: true,
  validationError: { target: false, value: false },
};

function rulesOf(dto: DtoClass): DtoRules {
  const known = rules.get(dto) ?? new DtoRules(dto);
  rules.set(dto, known);
  return known;
}

function findFault(Dto: DtoClass, fields: readonly string[], body: Readonly<Record<string, unknown>>): void {
  // Own, declared fields only: a body may have fields called `constructor` or `__proto__`, and validators go by the former.
  const checked = new Dto() as Record<string, unknown>;
  for (const field of fields) if (Object.hasOwn(body, field)) checked[field] = body[field];
  const [error] = validateSync(checked, OPTIONS);
  if (error !== undefined) throw invalid(error);
}

function refuseUnknown(body: object, fields: readonly string[]): void {
  const unknown = Object.keys(body).find((field) => !fields.includes(field));
  if (unknown === undefined) return;
  const name = unknown.slice(0, 100);
  throw new InvalidRequestError(`Unknown parameter: '${name}'.`, { code: 'unknown_parameter', param: name });
}

/** The codes OpenAI gives, by the rule that was broken. A rule's own `context` stands above this table. */
const CODES: Readonly<Record<string, string>> = {
  isDefined: 'missing_required_parameter',
  isNotEmpty: 'missing_required_parameter',
  isString: 'invalid_type',
  isNumber: 'invalid_type',
  isInt: 'invalid_type',
  isBoolean: 'invalid_type',
  isArray: 'invalid_type',
  isObject: 'invalid_type',
  isIn: 'invalid_value',
  arrayNotEmpty: 'empty_array',
  arrayMaxSize: 'array_above_max_length',
  maxLength: 'string_above_max_length',
  minLength: 'string_below_min_length',
  min: 'decimal_below_min_value',
  max: 'decimal_above_max_value',
};

function invalid(
  { property, constraints = {}, contexts = {}, children = [] }: ValidationError,
  path = '',
): InvalidRequestError {
  const param = path === '' ? property : /^\d+$/.test(property) ? `${path}[${property}]` : `${path}.${property}`;
  const [child] = children;
  if (child !== undefined && Object.keys(constraints).length === 0) return invalid(child, param);
  const [[rule, message] = ['', `${param} is not valid`]] = Object.entries(constraints);
  const detail = { code: CODES[rule] ?? 'invalid_value', param, ...(contexts[rule] as ErrorDetail | undefined) };
  return new InvalidRequestError(`Invalid '${param}': ${message}.`, detail);
}
