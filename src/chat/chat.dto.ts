import {
  IsArray,
  IsBoolean,
  IsDefined,
  IsInt,
  IsNotEmpty,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  Max,
  Min,
} from 'class-validator';
import {
  IsLogprobs,
  IsMessages,
  IsResponseFormat,
  IsStop,
  IsStreamOptions,
  IsToolChoice,
  IsTools,
  NeedsLogprobs,
} from './chat-rules.js';

/** OpenAI gives no code and no path here, and clients compare. */
const NO_MODEL = { message: 'you must provide a model parameter', context: { code: null, param: null } };
const INTEGER_MIN = { context: { code: 'integer_below_min_value' } };
const INTEGER_MAX = { context: { code: 'integer_above_max_value' } };
const TEXT = { message: 'expected a string' };
const NUMBER = { message: 'expected a number' };
const INTEGER = { message: 'expected an integer' };
const BOOLEAN = { message: 'expected a boolean' };
const OBJECT = { message: 'expected an object' };

/**
 * The documented fields of a chat completion request, each with its type and range. `null` is absence.
 * Fields that are not named here are the upstream's to judge.
 */
export class ChatFieldsDto {
  @IsDefined({ message: 'this parameter is required' }) @IsMessages() readonly messages!: readonly unknown[];
  @IsOptional() @IsBoolean(BOOLEAN) readonly stream?: boolean | null;
  @IsOptional() @IsStreamOptions() readonly stream_options?: unknown;
  @IsOptional() @Min(0) @Max(2) @IsNumber({}, NUMBER) readonly temperature?: number | null;
  @IsOptional() @Min(0) @Max(1) @IsNumber({}, NUMBER) readonly top_p?: number | null;
  @IsOptional() @Min(-2) @Max(2) @IsNumber({}, NUMBER) readonly presence_penalty?: number | null;
  @IsOptional() @Min(-2) @Max(2) @IsNumber({}, NUMBER) readonly frequency_penalty?: number | null;
  @IsOptional() @Min(0, INTEGER_MIN) @IsInt(INTEGER) readonly max_tokens?: number | null;
  @IsOptional() @Min(0, INTEGER_MIN) @IsInt(INTEGER) readonly max_completion_tokens?: number | null;
  @IsOptional() @Min(1, INTEGER_MIN) @Max(128, INTEGER_MAX) @IsInt(INTEGER) readonly n?: number | null;
  @IsOptional() @IsInt(INTEGER) readonly seed?: number | null;
  @IsOptional() @IsStop() readonly stop?: unknown;
  @IsOptional() @IsLogprobs() readonly logprobs?: unknown;
  @IsOptional() @NeedsLogprobs() @Min(0, INTEGER_MIN) @Max(20, INTEGER_MAX) @IsInt(INTEGER) readonly top_logprobs?:
    number | null;
  @IsOptional() @IsObject(OBJECT) readonly logit_bias?: object | null;
  @IsOptional() @IsTools() readonly tools?: unknown;
  @IsOptional() @IsToolChoice() readonly tool_choice?: unknown;
  @IsOptional() @IsBoolean(BOOLEAN) readonly parallel_tool_calls?: boolean | null;
  @IsOptional() @IsArray({ message: 'expected an array' }) readonly functions?: unknown;
  @IsOptional() @IsResponseFormat() readonly response_format?: unknown;
  @IsOptional() @IsString(TEXT) readonly reasoning_effort?: string | null;
  @IsOptional() @IsString(TEXT) readonly verbosity?: string | null;
  @IsOptional() @IsString(TEXT) readonly service_tier?: string | null;
  @IsOptional() @IsString(TEXT) readonly user?: string | null;
  @IsOptional() @IsString(TEXT) readonly safety_identifier?: string | null;
  @IsOptional() @IsString(TEXT) readonly prompt_cache_key?: string | null;
  @IsOptional() @IsBoolean(BOOLEAN) readonly store?: boolean | null;
  @IsOptional() @IsObject(OBJECT) readonly metadata?: object | null;
  @IsOptional() @IsArray({ message: 'expected an array' }) readonly modalities?: unknown;
  @IsOptional() @IsObject(OBJECT) readonly audio?: object | null;
  @IsOptional() @IsObject(OBJECT) readonly prediction?: object | null;
  @IsOptional() @IsObject(OBJECT) readonly web_search_options?: object | null;
}

/** The same with the model in the body, where it stands on all paths but Azure's. */
export class ChatRequestDto extends ChatFieldsDto {
  @IsDefined(NO_MODEL) @IsNotEmpty(NO_MODEL) @IsString(TEXT) readonly model!: string;
}
