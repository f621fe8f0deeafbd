import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsBoolean,
  IsDefined,
  IsInt,
  IsObject,
  IsOptional,
  IsRFC3339,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
} from 'class-validator';

const TEXT = { message: 'expected a string' };
const LIST = { message: 'expected an array' };
const TEXTS = { each: true, message: 'expected an array of strings' };
const INTEGER = { message: 'expected an integer' };
const ONE_OR_MORE = { message: 'must be 1 or more', context: { code: 'integer_below_min_value' } };
const EXACT = { message: 'is too large', context: { code: 'integer_above_max_value' } };
/** Elsewhere an empty list stands for "all", here it would stand for "none": neither is left to be guessed. */
const NOT_EMPTY = { message: 'must not be empty; leave it out to allow all' };
const NAME = 200;
const MANY = 500;

/** `POST /admin/keys`. `null` is absence; a field that is not named here is refused, for a limit misspelt is no limit. */
export class CreateKeyDto {
  static readonly closed = true;

  @IsDefined({ message: 'this parameter is required' })
  @MaxLength(NAME)
  @Matches(/\S/, { message: 'must not be empty', context: { code: 'string_below_min_length' } })
  @IsString(TEXT)
  readonly name!: string;

  @IsOptional()
  @MaxLength(NAME)
  @IsString(TEXT)
  readonly owner?: string | null;

  @IsOptional()
  @MaxLength(NAME, { each: true })
  @IsString(TEXTS)
  @ArrayMaxSize(MANY)
  @IsArray(LIST)
  readonly tags?: readonly string[] | null;

  @IsOptional()
  @MaxLength(NAME, { each: true })
  @IsString(TEXTS)
  @ArrayMaxSize(MANY)
  @ArrayNotEmpty(NOT_EMPTY)
  @IsArray(LIST)
  readonly models?: readonly string[] | null;

  @IsOptional()
  @IsString(TEXTS)
  @ArrayMaxSize(MANY)
  @ArrayNotEmpty(NOT_EMPTY)
  @IsArray(LIST)
  readonly allowed_ips?: readonly string[] | null;

  @IsOptional()
  @Max(Number.MAX_SAFE_INTEGER, EXACT)
  @Min(1, ONE_OR_MORE)
  @IsInt(INTEGER)
  readonly rpm?: number | null;

  @IsOptional()
  @Max(Number.MAX_SAFE_INTEGER, EXACT)
  @Min(1, ONE_OR_MORE)
  @IsInt(INTEGER)
  readonly tpm?: number | null;

  @IsOptional()
  @Max(Number.MAX_SAFE_INTEGER, EXACT)
  @Min(1, ONE_OR_MORE)
  @IsInt(INTEGER)
  readonly concurrency?: number | null;

  @IsOptional()
  @IsObject({ message: 'expected an object with usd and per' })
  readonly budget?: object | null;

  @IsOptional()
  @IsRFC3339({ message: 'must be a time such as 2027-01-31T12:00:00Z' })
  readonly expires_at?: string | null;

  @IsOptional()
  @IsBoolean({ message: 'expected a boolean' })
  readonly disabled?: boolean | null;
}
