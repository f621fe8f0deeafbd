import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsBoolean,
  IsDefined,
  IsOptional,
  IsRFC3339,
  IsString,
} from 'class-validator';
import { Count, Name, Text, Texts } from '../body-rules.js';
import { LimitTermsDto } from '../limit-terms.js';

/** Elsewhere an empty list stands for "all", here it would stand for "none": neither is left to be guessed. */
const NOT_EMPTY = { message: 'must not be empty; leave it out to allow all' };

/** What can be said of a key when it is made and later. A field that is not named is refused: a limit misspelt is no limit. */
class KeyTermsDto extends LimitTermsDto {
  static readonly closed = true;

  @IsOptional()
  @Text()
  readonly owner?: string | null;

  @IsOptional()
  @Texts()
  readonly tags?: readonly string[] | null;

  @IsOptional()
  @ArrayNotEmpty(NOT_EMPTY)
  @Texts()
  readonly models?: readonly string[] | null;

  @IsOptional()
  @IsString({ each: true, message: 'expected an array of strings' })
  @ArrayMaxSize(500)
  @ArrayNotEmpty(NOT_EMPTY)
  @IsArray({ message: 'expected an array' })
  readonly allowed_ips?: readonly string[] | null;

  @IsOptional()
  @IsRFC3339({ message: 'must be a time such as 2027-01-31T12:00:00Z' })
  readonly expires_at?: string | null;

  @IsOptional()
  @IsBoolean({ message: 'expected a boolean' })
  readonly disabled?: boolean | null;
}

/** `POST /admin/keys`. `null` is absence. */
export class CreateKeyDto extends KeyTermsDto {
  @IsDefined({ message: 'this parameter is required' })
  @Name()
  readonly name!: string;
}

/** `PATCH /admin/keys/{id}`. What is absent stays as it is; `null` clears. */
export class ChangeKeyDto extends KeyTermsDto {
  @IsOptional()
  @Name()
  readonly name?: string | null;
}

const MONTH_S = 2_592_000;

/** `POST /admin/keys/{id}/rotate`, which needs no body. */
export class RotateKeyDto {
  static readonly closed = true;
  static readonly optional = true;

  @IsOptional()
  @Count(MONTH_S)
  readonly grace_seconds?: number | null;
}
