import { ExpressAdapter } from '@nestjs/platform-express';
import { createServer, IncomingMessage, ServerResponse } from 'node:http';
import type { Express } from 'express';

/**
 * Express on a server whose requests and responses are Express's own from birth. By itself Express changes the
 * prototype of each, which V8 answers by treating them as dictionaries for the rest of their lives: that costs more
 * than all else Express does. To change a prototype into what it is already costs nothing.
 */
export class GatewayExpressAdapter extends ExpressAdapter {
  override initHttpServer(): void {
    const express = this.getInstance<Express>();
    class Request extends IncomingMessage {}
    class Response extends ServerResponse {}
    adopt(Request.prototype, express.request);
    adopt(Response.prototype, express.response);
    Object.assign(express, { request: Request.prototype, response: Response.prototype });
    this.setHttpServer(createServer({ IncomingMessage: Request, ServerResponse: Response }, express));
  }
}

/** Gives a prototype what Express adds to Node's: its methods, which stand one level up, and its `app`. */
function adopt(prototype: object, added: object): void {
  const methods: unknown = Object.getPrototypeOf(added);
  for (const layer of [methods, added] as object[])
    Object.defineProperties(prototype, Object.getOwnPropertyDescriptors(layer));
}
