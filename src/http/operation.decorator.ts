import { Reflector } from '@nestjs/core';
import { applyDecorators, HttpCode, UseInterceptors, type NestInterceptor, type Type } from '@nestjs/common';
import { AnswerInterceptor } from './answer.interceptor.js';

/** Marks the handlers of operations: what they are asked for is accounted for, even where a guard refuses it. */
export const IsOperation = Reflector.createDecorator<void, true>({ transform: () => true });

/**
 * A handler that answers with a completion or with frames. `watchers` see every answer go by before it is written.
 * 200, where Nest would answer a POST with 201: hand-written clients compare.
 */
export const Operation = (...watchers: Type<NestInterceptor>[]) =>
  applyDecorators(IsOperation(), HttpCode(200), UseInterceptors(AnswerInterceptor, ...watchers));
