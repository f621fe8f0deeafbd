/** How a call to an upstream ended, as far as it tells what the upstream can take. */
export type CallEnd =
  /** It is alive: a success, or a refusal of the request itself. */
  | { readonly kind: 'answered' }
  /** By its own fault: connection, time-out, 5xx, a stream cut short. */
  | { readonly kind: 'failed' }
  /** Too many requests; the wait is the upstream's own word. */
  | { readonly kind: 'limited'; readonly waitMs: number | undefined }
  /** The credential was: 401, 402, 403. */
  | { readonly kind: 'refused'; readonly status: number }
  /** The client left, or another upstream was faster. */
  | { readonly kind: 'untold' };

/** A call under way. */
export interface Passage {
  /** Its answer has begun, which is all that a probe is to find out. */
  begun(): void;
  /** Heard once; what is said later does no harm. */
  end(end: CallEnd): void;
}
