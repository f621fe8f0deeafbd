import { Module } from '@nestjs/common';
import { HttpTransport } from './http-transport.js';

@Module({ providers: [HttpTransport], exports: [HttpTransport] })
export class TransportModule {}
