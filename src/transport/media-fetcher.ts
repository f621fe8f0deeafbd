import { Injectable } from '@nestjs/common';

/** A file that stood behind a URL. */
export interface Media {
  /** As the server named it, without parameters: `image/png`. */
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** Fetches what clients point at, and nothing that is not for them to see. */
@Injectable()
export class MediaFetcher {
  fetch(_url: string, _signal: AbortSignal): Promise<Media> {
    return Promise.reject(new Error('to be written'));
  }
}
