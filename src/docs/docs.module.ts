import { Module } from '@nestjs/common';
import { DocsController } from './docs.controller.js';

/** The API described. */
@Module({ controllers: [DocsController] })
export class DocsModule {}
