import { Module } from '@nestjs/common';
import { HttpTransport } from './http-transport.js';
import { MediaFetcher } from './media-fetcher.js';

@Module({
  providers: [HttpTransport, { provide: MediaFetcher, useFactory: () => new MediaFetcher() }],
  exports: [HttpTransport, MediaFetcher],
})
export class TransportModule {}
