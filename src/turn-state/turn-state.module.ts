import { Module } from '@nestjs/common';
import { TurnStateKeeper } from '../domain/turn-state.js';
import { KeptTurnStates } from './kept-turn-states.js';

/** What providers want back with their own turns. */
@Module({
  providers: [{ provide: TurnStateKeeper, useClass: KeptTurnStates }],
  exports: [TurnStateKeeper],
})
export class TurnStateModule {}
