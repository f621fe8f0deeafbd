import { Module } from '@nestjs/common';
import { AdminKey } from './admin-key.js';
import { AdminKeysController } from './admin-keys.controller.js';
import { ApiKeyGuard } from './api-key.guard.js';
import { FirstKey } from './first-key.js';
import { KeyDirectory } from './key-directory.js';
import { KeyIssuer } from './key-issuer.js';

/** Who is calling, and the keys they call with. `VirtualKeyStore` and `LiveConfig` come from global modules. */
@Module({
  controllers: [AdminKeysController],
  providers: [AdminKey, ApiKeyGuard, FirstKey, KeyDirectory, KeyIssuer],
  exports: [AdminKey, ApiKeyGuard, FirstKey, KeyDirectory],
})
export class AccessModule {}
