/** What became of the breaker of one credential at one upstream. */
export interface BreakerNewsItem {
  /** Provider and model, as `upstreamName` writes them. */
  readonly upstream: string;
  /** The id of the credential: a digest, the same wherever the key is the same. */
  readonly credential: string;
  /** In ms since 1970, because it is read by other machines; null: closed. */
  readonly openUntil: number | null;
}

/** How replicas tell each other what each has found out by failing. */
export abstract class BreakerNews {
  /** Never throws, and does not wait: news that do not arrive cost the others a few failures of their own. */
  abstract publish(item: BreakerNewsItem): void;
  /** News of other replicas; what of it can be true is for the listener to judge. */
  abstract subscribe(listener: (item: BreakerNewsItem) => void): void;
}

/** For a gateway that shares nothing with others. */
export class NoBreakerNews extends BreakerNews {
  override publish(): void {
    return undefined;
  }

  override subscribe(): void {
    return undefined;
  }
}
