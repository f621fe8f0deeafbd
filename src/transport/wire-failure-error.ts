import type { WireFailure } from '../protocols/protocol.js';

/** The provider answered with a status that is not a success; its protocol knows what that means. */
export class WireFailureError extends Error {
  constructor(readonly failure: WireFailure) {
    super(`The provider answered ${failure.status}.`);
  }
}
