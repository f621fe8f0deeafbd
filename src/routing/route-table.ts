import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { skip, type Subscription } from 'rxjs';
import { ModelCatalog } from '../catalog/model-catalog.js';
import { nearest } from '../domain/nearest.js';
import type { ServedModel } from '../catalog/served-model.js';
import type { Config } from '../config/config.js';
import { LiveConfig } from '../config/live-config.js';
import type { Route } from '../domain/deployment.js';
import { ModelNotFoundError } from '../domain/errors.js';
import type { Provider } from '../providers/provider.js';
import { ProviderRegistry } from '../providers/provider-registry.js';
import { buildRoutes, type Offer, type Routes } from './routes.js';

/** Which model names there are and where they lead. Built anew, as a whole, whenever the config changes. */
@Injectable()
export class RouteTable implements OnModuleInit, OnModuleDestroy {
  readonly #log = new Logger(RouteTable.name);
  #routes: Routes | undefined;
  #following: Subscription | undefined;

  constructor(
    private readonly config: LiveConfig,
    private readonly registry: ProviderRegistry,
    private readonly catalog: ModelCatalog,
  ) {}

  onModuleInit(): void {
    this.#routes = buildRoutes(this.config.current, this.registry, this.catalog);
    this.#following = this.config.changes.pipe(skip(1)).subscribe((config) => this.#follow(config));
  }

  /** At the start a fault here is fatal; later the last good routes stay. */
  #follow(config: Config): void {
    try {
      this.#routes = buildRoutes(config, this.registry, this.catalog);
    } catch (error) {
      this.#log.error(
        'The routes of the new configuration cannot be built; the last good ones stay in force.',
        error instanceof Error ? error.message : error,
      );
    }
  }

  onModuleDestroy(): void {
    this.#following?.unsubscribe();
  }

  /** The route of a model name. Throws ModelNotFoundError that names the nearest ones the caller may know of. */
  resolve(name: string, mayKnow: (name: string) => boolean): Route {
    const route = this.#current.resolve(name);
    if (route === undefined)
      throw new ModelNotFoundError(name, nearest(name, [...this.#current.names()].filter(mayKnow)));
    return route;
  }

  /** The same for a name that the config itself uses. */
  lookUp(name: string): Route | undefined {
    return this.#current.resolve(name);
  }

  /** The provider of this name in the config. */
  provider(name: string): Provider | undefined {
    return this.#current.provider(name);
  }

  /** Every name a client may write, as `GET /v1/models` shows them. */
  list(): readonly ServedModel[] {
    return this.#current.served;
  }

  /** What each provider of the config is there for. */
  offers(): readonly Offer[] {
    return this.#current.offers;
  }

  /** The model behind any name that resolves, listed or not. */
  find(name: string): ServedModel | undefined {
    return this.#current.find(name);
  }

  get #current(): Routes {
    if (this.#routes === undefined) throw new Error('The routes are read before the module has started.');
    return this.#routes;
  }
}
