import { ExpressAdapter } from '@nestjs/platform-express';
import { createServer, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Express } from 'express';
import { stampHeaders } from './response-headers.js';

/** How long a connection without a request stays while draining: a client that uses it then is told to go elsewhere. */
const LAST_IDLE_MS = 1_000;

/**
 * Express on a server whose requests and responses are Express's own from birth. By itself Express changes the
 * prototype of each, which V8 answers by treating them as dictionaries for the rest of their lives: that costs more
 * than all else Express does. To change a prototype into what it is already costs nothing.
 */
export class GatewayExpressAdapter extends ExpressAdapter {
  readonly #sockets = new Set<Socket>();
  #isDraining = false;

  /** Stops listening. Connections that never sent a byte are ended: Node takes them for busy and would wait for ever. */
  override close(): Promise<void> {
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy();
    return super.close() as Promise<void>;
  }

  /** Takes no more connections, and lets each of those that are open go with its next answer, or once it is idle. */
  drain(): void {
    this.#isDraining = true;
    const server = this.getHttpServer();
    server.keepAliveTimeout = LAST_IDLE_MS;
    server.close();
  }

  /** Ends all connections, whatever is still on them. */
  cutConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  override initHttpServer(): void {
    const express = this.getInstance<Express>();
    const isDraining = () => this.#isDraining;
    class Request extends IncomingMessage {}
    class Response extends ServerResponse {
      override writeHead(...head: unknown[]): this {
        stampHeaders(this);
        if (isDraining()) this.shouldKeepAlive = false;
        return (super.writeHead as (...head: unknown[]) => this)(...head);
      }
    }
    adopt(Request.prototype, express.request);
    adopt(Response.prototype, express.response);
    Object.assign(express, { request: Request.prototype, response: Response.prototype });
    const server = createServer(
      // Without a host Node would answer itself, and not in the envelope; the middleware does.
      { IncomingMessage: Request, ServerResponse: Response, requireHostHeader: false },
      express,
    );
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.setHttpServer(server);
  }
}

/** Gives a prototype what Express adds to Node's: its methods, which stand one level up, and its `app`. */
function adopt(prototype: object, added: object): void {
  const methods: unknown = Object.getPrototypeOf(added);
  for (const layer of [methods, added] as object[])
    Object.defineProperties(prototype, Object.getOwnPropertyDescriptors(layer));
}
