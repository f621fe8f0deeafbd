import type { ChatRequest } from '../domain/chat.js';
import type { MediaFetcher } from '../transport/media-fetcher.js';

/** The URLs in a request that its provider cannot fetch itself. */
export function urlsToFetch(_request: ChatRequest, _mustFetch: (url: string) => boolean): readonly string[] {
  return [];
}

/** The request with these URLs replaced by what stands behind them, as data URLs. */
export function inlineMedia(
  request: ChatRequest,
  _urls: readonly string[],
  _fetch: { readonly media: MediaFetcher; readonly signal: AbortSignal },
): Promise<ChatRequest> {
  return Promise.resolve(request);
}
