import type * as AjvPackage from 'ajv';
import type { Ajv, CodeKeywordDefinition, ErrorObject, Options, ValidateFunction } from 'ajv';
import type * as Ajv2020Package from 'ajv/dist/2020.js';
import { LRUCache } from 'lru-cache';
import type { JsonSchema } from '../../domain/chat.js';
import { isObject } from '../json.js';
import { lazily } from '../lazily.js';
import { countedSchema, STEP_KEYWORD, UncheckableSchemaError } from './counted-schema.js';
import { LinearPattern } from './linear-pattern.js';
import { StepBudget } from './step-budget.js';

const ajv = lazily<typeof AjvPackage>('ajv');
const ajv2020 = lazily<typeof Ajv2020Package>('ajv/dist/2020.js');
const formats = lazily<{ default(ajv: Ajv): void }>('ajv-formats');

/** A fraction of a second; patterns at their worst take one. */
const MAX_STEPS = 2_000_000;
const MAX_SCHEMA_LENGTH = 128 * 1024;
/** Instructions of all patterns of a schema. */
const MAX_PATTERNS_SIZE = 100_000;
const MAX_KEPT_BYTES = 32 * 1024 * 1024;
/** What a check takes in memory, by what it was made of. */
const BYTES = { check: 4_096, character: 10, instruction: 140 };

/** A schema that answers are checked against. Nothing it refers to is loaded, and a check is bounded. */
export class SchemaCheck {
  readonly #budget = new StepBudget(MAX_STEPS);
  readonly #validate: ValidateFunction;
  #patternsSize = 0;

  private constructor(
    schema: JsonSchema,
    private readonly text: string,
  ) {
    this.#validate = this.#compiled(countedSchema(schema));
  }

  /** The check for a schema, made once. Throws an Error where there is no way to check it. */
  static of(schema: JsonSchema): SchemaCheck {
    const text = JSON.stringify(schema);
    const known = kept.get(text);
    if (known !== undefined) return known;
    if (text.length > MAX_SCHEMA_LENGTH) throw new UncheckableSchemaError('it is too large');
    const check = new SchemaCheck(schema, text);
    kept.set(text, check);
    return check;
  }

  get bytes(): number {
    return BYTES.check + BYTES.character * this.text.length + BYTES.instruction * this.#patternsSize;
  }

  /** What is wrong with the value and where, in words that quote nothing of it; undefined where it fits. */
  fault(value: unknown): string | undefined {
    this.#budget.refill();
    try {
      if (this.#validate(value)) return undefined;
    } catch {
      return 'it could not be checked against the schema with reasonable effort'; // out of steps, or of stack
    }
    const [error] = this.#validate.errors ?? [];
    this.#validate.errors = null; // or the faults of this answer would be kept as long as the check
    return error === undefined ? 'it does not fit the schema' : this.#words(error);
  }

  /** Without a word on the draft it is today's; lists of `items` are of an older one. */
  #compiled(schema: JsonSchema): ValidateFunction {
    const { $schema: draft, ...rest } = schema;
    const isOld = typeof draft === 'string' && /draft-0[4-7]/.test(draft);
    const { Ajv } = ajv();
    if (isOld) return this.#checker(Ajv).compile(rest);
    try {
      return this.#checker(ajv2020().Ajv2020).compile(rest);
    } catch (error) {
      try {
        return this.#checker(Ajv).compile(rest);
      } catch {
        throw error;
      }
    }
  }

  /** One for each schema: names that a schema gives to its parts are nobody else's. */
  #checker(Draft: typeof Ajv | typeof Ajv2020Package.Ajv2020): Ajv | Ajv2020Package.Ajv2020 {
    const budget = this.#budget;
    const regExp = Object.assign((pattern: string) => this.#pattern(pattern), { code: 'none' });
    const checker = new Draft({ ...OPTIONS, code: { regExp } });
    formats().default(checker);
    checker.addFormat('url', (text: string) => URL.canParse(text)); // ajv's own takes minutes for a long one
    checker.removeKeyword('uniqueItems');
    checker.addKeyword({
      keyword: 'uniqueItems',
      type: 'array',
      schemaType: 'boolean',
      error: { message: 'must not have equal items' },
      validate: (isUnique: boolean, items: readonly unknown[]) => !isUnique || areUnique(items, budget),
    });
    checker.addKeyword(stepKeyword(budget));
    return checker;
  }

  #pattern(text: string): LinearPattern {
    const pattern = new LinearPattern(text, this.#budget);
    this.#patternsSize += pattern.size;
    if (this.#patternsSize > MAX_PATTERNS_SIZE) throw new UncheckableSchemaError('its patterns are too large');
    return pattern;
  }

  /** Names that are not the schema's own are the model's, so they are not quoted. */
  #words({ instancePath, message = 'does not fit the schema' }: ErrorObject): string {
    const path = instancePath
      .split('/')
      .slice(1)
      .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
      .map((name) => (/^\d+$/.test(name) ? `[${name}]` : this.text.includes(JSON.stringify(name)) ? `.${name}` : '.*'))
      .join('');
    return `\`$${path.slice(0, 200)}\` ${message.slice(0, 200)}`;
  }
}

const kept = new LRUCache<string, SchemaCheck>({
  maxSize: MAX_KEPT_BYTES,
  sizeCalculation: ({ bytes }) => bytes,
});

const OPTIONS: Options = {
  strict: false,
  allErrors: true, // else each property is compiled inside the one before it, in quadratic time
  logger: false,
  meta: false,
  validateSchema: false,
  inlineRefs: false,
  ownProperties: true,
};

const stepKeyword = (budget: StepBudget): CodeKeywordDefinition => ({
  keyword: STEP_KEYWORD,
  code: ({ gen, data, schema }) => {
    const { _, Name } = ajv();
    const faults = new Name('errors'); // where the code that ajv makes counts those it has found
    gen.code(_`${gen.scopeValue('keyword', { ref: budget })}.takePart(${schema as number}, ${data}, ${faults})`);
  },
});

/** In linear time, which ajv's own way is not. */
function areUnique(items: readonly unknown[], budget: StepBudget): boolean {
  return new Set(items.map((item) => sortedJson(item, budget))).size === items.length;
}

/** JSON text that is the same for equal values, whatever the order of their members. */
function sortedJson(value: unknown, budget: StepBudget): string {
  budget.take();
  if (Array.isArray(value)) return `[${value.map((item: unknown) => sortedJson(item, budget)).join(',')}]`;
  if (typeof value === 'string') budget.take(value.length / 32);
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.keys(value).toSorted();
  return `{${members.map((key) => `${JSON.stringify(key)}:${sortedJson(value[key], budget)}`).join(',')}}`;
}
