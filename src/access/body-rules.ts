import { applyDecorators } from '@nestjs/common';
import { ArrayMaxSize, IsArray, IsInt, IsString, Matches, Max, MaxLength, Min } from 'class-validator';

const NAME = 200;
const MANY = 500;
const LIST = { message: 'expected an array' };
const TEXTS = { each: true, message: 'expected an array of strings' };
const INTEGER = { message: 'expected an integer' };
const ONE_OR_MORE = { message: 'must be 1 or more', context: { code: 'integer_below_min_value' } };
const EXACT = { message: 'is too large', context: { code: 'integer_above_max_value' } };
/** U+0000 and halves of a character: PostgreSQL takes neither. */
const WHOLE = /^[^\0\p{Surrogate}]*$/u;
const STORABLE = { message: 'must be of whole characters, and none of them U+0000' };

/** Text of at most 200 characters. */
export const Text = () =>
  applyDecorators(Matches(WHOLE, STORABLE), MaxLength(NAME), IsString({ message: 'expected a string' }));

/** The same, and not of spaces alone. */
export const Name = () =>
  applyDecorators(
    Matches(/\S/, { message: 'must not be empty', context: { code: 'string_below_min_length' } }),
    Text(),
  );

/** At most 500 such texts. */
export const Texts = () =>
  applyDecorators(
    Matches(WHOLE, { each: true, ...STORABLE }),
    MaxLength(NAME, { each: true }),
    IsString(TEXTS),
    ArrayMaxSize(MANY),
    IsArray(LIST),
  );

/** A limit: a whole number from 1. */
export const Limit = () => applyDecorators(Max(Number.MAX_SAFE_INTEGER, EXACT), Min(1, ONE_OR_MORE), IsInt(INTEGER));

/** A whole number from 0 to `most`. */
export const Count = (most: number) =>
  applyDecorators(
    Max(most, { message: `must be at most ${most}`, context: EXACT.context }),
    Min(0, { message: 'must be 0 or more', context: ONE_OR_MORE.context }),
    IsInt(INTEGER),
  );
