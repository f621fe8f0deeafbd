import { All, Controller, Get, Header, Req } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { readFileSync } from 'node:fs';
import { Public } from '../access/public.decorator.js';
import { MethodNotAllowedError } from '../domain/errors.js';
import { openApiDocument } from './openapi.js';
import { docsPage } from './page/page.js';

const PATHS = ['openapi.json', 'docs'];

/** The API described, for tools and for people. Both are made once: they do not change while the gateway runs. */
@Public()
@Controller()
export class DocsController {
  readonly #json: string;
  readonly #page: string;

  constructor() {
    const document = openApiDocument(ownVersion());
    this.#json = JSON.stringify(document);
    this.#page = docsPage(document);
  }

  @Get('openapi.json')
  @Header('content-type', 'application/json; charset=utf-8')
  @Header('cache-control', 'no-cache')
  description(): string {
    return this.#json;
  }

  @Get('docs')
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('cache-control', 'no-cache')
  @Header(
    'content-security-policy',
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  )
  @Header('x-content-type-options', 'nosniff')
  @Header('referrer-policy', 'no-referrer')
  page(): string {
    return this.#page;
  }

  @All(PATHS)
  refuse(@Req() { method = '' }: IncomingMessage): never {
    throw new MethodNotAllowedError(method, ['GET', 'HEAD']);
  }
}

/** `package.json` stands two folders up from here, in the source as in the build. */
function ownVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    readonly version: string;
  };
  return version;
}
