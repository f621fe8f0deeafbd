import { Controller, Get, Header, Res } from '@nestjs/common';
import type { Response } from 'express';
import { Public } from '../access/public.decorator.js';
import { LiveConfig } from '../config/live-config.js';
import { Dependencies } from './dependencies.js';
import { Readiness } from './readiness.js';

/** For probes and load balancers; nothing in it is worth a key. */
@Public()
@Controller()
export class HealthController {
  constructor(
    private readonly readiness: Readiness,
    private readonly dependencies: Dependencies,
    private readonly config: LiveConfig,
  ) {}

  /** The process is alive. */
  @Get('healthz')
  @Header('cache-control', 'no-store')
  alive() {
    return { status: 'ok' };
  }

  /** 503 while starting or draining. A dependency that is down degrades the gateway, which serves on without it. */
  @Get('readyz')
  @Header('cache-control', 'no-store')
  async ready(@Res({ passthrough: true }) response: Response) {
    const checks = await this.dependencies.check();
    const { phase } = this.readiness;
    const healthy = Object.values(checks).every(({ status }) => status === 'up');
    if (phase !== 'ready') response.status(503);
    return {
      status: phase !== 'ready' ? phase : healthy ? 'ok' : 'degraded',
      checks,
      config_version: this.config.version,
      draining: phase === 'draining',
    };
  }
}
