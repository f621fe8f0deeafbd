import { Module } from '@nestjs/common';
import { ModelsController } from './models.controller.js';

/** The models endpoint; who imports it supplies `ServedModels`. */
@Module({ controllers: [ModelsController] })
export class ModelsModule {}
