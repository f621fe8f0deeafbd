import { All, Controller, Get, Header, Req } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { Public } from '../access/public.decorator.js';
import { MethodNotAllowedError } from '../domain/errors.js';
import { Metrics } from './metrics.js';

/** For Prometheus, which has no key. */
@Public()
@Controller('metrics')
export class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  @Get()
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  @Header('cache-control', 'no-store')
  show(): Promise<string> {
    return this.metrics.text();
  }

  @All()
  refuse(@Req() { method = '' }: IncomingMessage): never {
    throw new MethodNotAllowedError(method, ['GET', 'HEAD']);
  }
}
