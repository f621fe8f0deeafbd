import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { RequestContext } from '../domain/request-context.js';

const contexts = new WeakMap<IncomingMessage, RequestContext>();

/** Hangs the context on the request without touching its type. Done once, by the outermost middleware. */
export function attachContext(request: IncomingMessage, context: RequestContext): void {
  contexts.set(request, context);
}

/** The context of a request that came through the outermost middleware. */
export function contextOf(request: IncomingMessage): RequestContext {
  const context = contexts.get(request);
  if (context === undefined) throw new Error('This request did not come through RequestMiddleware.');
  return context;
}

/** The request's context, as a controller argument. */
export const Context = createParamDecorator((_: unknown, execution: ExecutionContext): RequestContext =>
  contextOf(execution.switchToHttp().getRequest<IncomingMessage>()),
);
