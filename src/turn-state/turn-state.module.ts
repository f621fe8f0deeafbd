import { Module } from '@nestjs/common';
import { LiveConfig } from '../config/live-config.js';
import { TurnStateKeeper } from '../domain/turn-state.js';
import { KeptTurnStates } from './kept-turn-states.js';
import { secretOf } from './own-secret.js';
import { StateSeal } from './state-seal.js';
import { StoredStates } from './stored-states.js';
import { TurnStateSweeper } from './turn-state-sweeper.js';
import { TurnStateWriter } from './turn-state-writer.js';

/** What providers want back with their own turns. */
@Module({
  providers: [
    {
      provide: StateSeal,
      inject: [LiveConfig],
      useFactory: ({ current }: LiveConfig) => new StateSeal(secretOf(current)),
    },
    StoredStates,
    TurnStateWriter,
    TurnStateSweeper,
    {
      provide: TurnStateKeeper,
      inject: [StoredStates, TurnStateWriter],
      useFactory: (stored: StoredStates, writer: TurnStateWriter) => new KeptTurnStates({ stored, writer }),
    },
  ],
  exports: [TurnStateKeeper],
})
export class TurnStateModule {}
