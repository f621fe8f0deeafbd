import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { RequestContext } from '../domain/request-context.js';

const CONTEXT = Symbol('context');

interface WithContext extends IncomingMessage {
  [CONTEXT]?: RequestContext;
}

/** Hangs the context on the request, where nobody else finds it. Done once, by the outermost middleware. */
export function attachContext(request: WithContext, context: RequestContext): void {
  request[CONTEXT] = context;
}

/** The context of a request that came through the outermost middleware. */
export function contextOf(request: IncomingMessage): RequestContext {
  const context = contextIfAny(request);
  if (context === undefined) throw new Error('This request did not come through RequestMiddleware.');
  return context;
}

export function contextIfAny(request: WithContext): RequestContext | undefined {
  return request[CONTEXT];
}

/** The request's context, as a controller argument. Not for the hot path: Nest runs the pipes on it. */
export const Context = createParamDecorator((_: unknown, execution: ExecutionContext): RequestContext =>
  contextOf(execution.switchToHttp().getRequest<IncomingMessage>()),
);
