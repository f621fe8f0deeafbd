import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { ProviderConfig } from '../config/config.js';
import { LiveConfig } from '../config/live-config.js';
import { upstreamName, type Deployment } from '../domain/deployment.js';
import { BreakerNews, type BreakerNewsItem } from './breaker-news.js';
import type { CredentialPool } from './credential-pool.js';
import { ProviderState } from './provider-state.js';
import { UpstreamState } from './upstream-state.js';

/** Clients choose the names of models, so there is no end to them. */
const MOST_UPSTREAMS = 2_000;
/** Twice the longest a breaker stays open: more is another machine's wrong clock. */
const FARTHEST_NEWS_MS = 120_000;

/** What the upstreams can take now. It outlives reloads of the config: a failing upstream fails on after one. */
@Injectable()
export class Availability {
  readonly #providers = new Map<string, ProviderState>();
  readonly #upstreams = new LRUCache<string, UpstreamState>({ max: MOST_UPSTREAMS });

  constructor(
    config: LiveConfig,
    private readonly news: BreakerNews,
  ) {
    config.changes.subscribe(({ providers }) => this.#follow(providers));
    news.subscribe((item) => this.#hear(item));
  }

  of(deployment: Deployment): UpstreamState {
    const name = upstreamName(deployment);
    const known = this.#upstreams.get(name);
    if (known !== undefined) return known;
    const shared = this.#providers.get(deployment.provider);
    if (shared !== undefined) return this.#add(name, shared);
    // A request that is older than a reload asks for a provider that is gone: it is served, and nothing is kept of it.
    const { credentials: keys, concurrency } = deployment.endpoint;
    return this.#make(name, new ProviderState({ keys, concurrency }));
  }

  /** Those that were planned for, looked at, or told of by other replicas; the latest first. */
  get all(): Iterable<UpstreamState> {
    return this.#upstreams.values();
  }

  /** The keys of a configured provider. */
  pool(provider: string): CredentialPool | undefined {
    return this.#providers.get(provider)?.pool;
  }

  #add(name: string, shared: ProviderState): UpstreamState {
    const upstream = this.#make(name, shared);
    this.#upstreams.set(name, upstream);
    return upstream;
  }

  #make(name: string, shared: ProviderState): UpstreamState {
    const slash = name.indexOf('/'); // no provider has one in its name
    return new UpstreamState(name, {
      provider: name.slice(0, slash),
      model: name.slice(slash + 1),
      shared,
      tell: (credential, openUntil) =>
        this.news.publish({
          upstream: name,
          credential,
          openUntil: openUntil === null ? null : Math.round(Date.now() + openUntil - performance.now()),
        }),
    });
  }

  #follow(providers: readonly ProviderConfig[]): void {
    const names = new Set(providers.map(({ name }) => name));
    for (const name of this.#providers.keys()) if (!names.has(name)) this.#providers.delete(name);
    for (const { name, apiKeys: keys, concurrency } of providers) {
      const known = this.#providers.get(name);
      if (known === undefined) this.#providers.set(name, new ProviderState({ keys, concurrency }));
      else known.follow({ keys, concurrency });
    }
    for (const upstream of [...this.all]) {
      if (names.has(upstream.provider)) upstream.follow();
      else this.#upstreams.delete(upstream.name);
    }
  }

  /** News of what this gateway does not call, or of a time that cannot be, are none. */
  #hear({ upstream, credential, openUntil }: BreakerNewsItem): void {
    const shared = this.#providers.get(upstream.split('/', 1)[0] ?? '');
    if (!shared?.pool.has(credential)) return;
    const known = this.#upstreams.get(upstream);
    if (openUntil === null) return known?.hear(credential, null);
    const ahead = Math.min(openUntil - Date.now(), FARTHEST_NEWS_MS);
    if (ahead > 0) (known ?? this.#add(upstream, shared)).hear(credential, performance.now() + ahead);
  }
}
