import { NO_TURN_STATES, TurnStateKeeper } from '../../src/domain/turn-state.js';
import { Upstreams } from '../../src/providers/upstreams.js';
import { HttpTransport } from '../../src/transport/http-transport.js';
import { MediaFetcher } from '../../src/transport/media-fetcher.js';

/** For tests in which nothing has to be kept between turns. */
export class Forgetful extends TurnStateKeeper {
  find() {
    return NO_TURN_STATES;
  }

  keep(): void {
    return undefined;
  }
}

export const upstreamsOver = (transport = new HttpTransport()): Upstreams =>
  new Upstreams(transport, new MediaFetcher(), new Forgetful());
