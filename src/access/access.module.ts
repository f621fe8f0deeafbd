import { Module } from '@nestjs/common';
import { AdminKey } from './admin-key.js';
import { ApiKeyGuard } from './api-key.guard.js';
import { DirectoryPoll } from './directory/directory-poll.js';
import { KeyDirectory } from './directory/key-directory.js';
import { StoreState } from './directory/store-state.js';
import { FirstKey } from './first-key.js';
import { AdminKeysController } from './keys/admin-keys.controller.js';
import { KeyIssuer } from './keys/key-issuer.js';
import { AdminTeamsController } from './teams/admin-teams.controller.js';
import { TeamDirectory } from './teams/team-directory.js';
import { TeamRegister } from './teams/team-register.js';

/** Who is calling, the keys they call with and the teams these belong to. The stores and `LiveConfig` come from global modules. */
@Module({
  controllers: [AdminKeysController, AdminTeamsController],
  providers: [
    AdminKey,
    ApiKeyGuard,
    FirstKey,
    StoreState,
    TeamDirectory,
    KeyDirectory,
    DirectoryPoll,
    KeyIssuer,
    TeamRegister,
  ],
  exports: [AdminKey, ApiKeyGuard, FirstKey, KeyDirectory, TeamDirectory],
})
export class AccessModule {}
