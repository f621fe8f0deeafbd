import { Injectable } from '@nestjs/common';
import { NO_TURN_STATES, TurnStateKeeper, type TurnState, type TurnStates } from '../domain/turn-state.js';

@Injectable()
export class KeptTurnStates extends TurnStateKeeper {
  find(_keyId: string | undefined, _toolCallIds: readonly string[]): TurnStates | Promise<TurnStates> {
    return NO_TURN_STATES;
  }

  keep(_keyId: string | undefined, _states: readonly TurnState[]): void {
    return undefined;
  }
}
