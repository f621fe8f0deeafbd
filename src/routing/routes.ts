import { factsOf } from '../catalog/model-facts.js';
import type { ModelCard } from '../catalog/model-card.js';
import type { ModelCatalog } from '../catalog/model-catalog.js';
import type { ServedModel } from '../catalog/served-model.js';
import {
  DEFAULT_RETRIES,
  DEFAULT_TIMEOUTS,
  type Config,
  type ModelConfig,
  type ProviderConfig,
  type TargetConfig,
} from '../config/config.js';
import type { Deployment, ProviderEndpoint, Route, Timeouts } from '../domain/deployment.js';
import type { LimitTerms } from '../domain/limit.js';
import type { Provider } from '../providers/provider.js';
import type { ConfiguredProvider, ProviderRegistry } from '../providers/provider-registry.js';

/** A provider as it stands in the config, and what it was made into. */
interface Entry {
  readonly config: ProviderConfig;
  readonly configured: ConfiguredProvider;
}

/** What a provider of the config is there for. */
export interface Offer {
  readonly name: string;
  readonly endpoint: ProviderEndpoint;
  /** Where the config's own routes lead, each model once. */
  readonly routed: readonly Deployment[];
  /** What the provider calls the models that clients can find in the list, those of `routed` included. */
  readonly models: ReadonlySet<string>;
}

/** The model names of one config. */
export class Routes {
  readonly #aliases: ReadonlyMap<string, Route>;
  /** Names that were resolved before; bounded, as clients choose them. */
  readonly #resolved = new Map<string, Route>();
  #served: readonly ServedModel[] | undefined;
  #offers: readonly Offer[] | undefined;
  /** Unix seconds: since when these names are served. */
  readonly #since = Math.floor(Date.now() / 1000);

  constructor(
    models: readonly ModelConfig[],
    private readonly entries: ReadonlyMap<string, Entry>,
    private readonly catalog: ModelCatalog,
  ) {
    this.#aliases = new Map(models.map((model) => [model.name, this.#route(model)]));
  }

  /** In this order: a name of the config; `provider/model`; an id that the catalogue gives to a configured provider. */
  resolve(name: string): Route | undefined {
    const known = this.#aliases.get(name) ?? this.#resolved.get(name);
    if (known !== undefined) return known;
    if (name.length > LONGEST_NAME) return undefined;
    const found = this.#byPrefix(name) ?? this.#byCatalog(name);
    if (found === undefined) return undefined;
    const route = routeOf({ ...UNCONFIGURED, name }, [deploy(found.at, { model: found.model, weight: 1 }, {})]);
    if (this.#resolved.size < MAX_REMEMBERED) this.#resolved.set(name, route);
    return route;
  }

  provider(name: string): Provider | undefined {
    return this.entries.get(name)?.configured.provider;
  }

  /** All names worth a suggestion. */
  names(): Iterable<string> {
    return this.served.map(({ id }) => id);
  }

  get served(): readonly ServedModel[] {
    return (this.#served ??= [...this.#listed()]);
  }

  /** In the order of the config. */
  get offers(): readonly Offer[] {
    return (this.#offers ??= [...this.entries.values()].map((entry) => this.#offer(entry)));
  }

  find(name: string): ServedModel | undefined {
    const listed = this.served.find(({ id }) => id === name);
    if (listed !== undefined) return listed;
    const [deployment] = this.resolve(name)?.deployments ?? [];
    return deployment && this.#servedModel(name, deployment);
  }

  *#listed(): Iterable<ServedModel> {
    const seen = new Set<string>();
    for (const [name, { deployments }] of this.#aliases) {
      seen.add(name);
      const [deployment] = deployments;
      if (deployment !== undefined) yield this.#servedModel(name, deployment);
    }
    for (const entry of this.entries.values())
      for (const id of this.#modelsAt(entry)) {
        // As `resolve` does, so that a name that is listed leads to the very model it is listed for.
        const bare = this.#byPrefix(id) ?? this.#byCatalog(id);
        const isItself = !seen.has(id) && bare?.at === entry && bare.model === id;
        const name = isItself ? id : `${entry.config.name}/${id}`;
        if (seen.has(name)) continue;
        seen.add(name);
        yield this.#servedModel(name, deploy(entry, { model: id, weight: 1 }, {}));
      }
  }

  #offer(entry: Entry): Offer {
    const { name, endpoint } = entry.configured;
    const here = [...this.#aliases.values()]
      .flatMap(({ deployments }) => deployments)
      .filter(({ provider }) => provider === name);
    const routed = new Map(here.map((deployment) => [deployment.model, deployment]));
    const listed = this.#modelsAt(entry).map((model) => deploy(entry, { model, weight: 1 }, {}).model);
    return { name, endpoint, routed: [...routed.values()], models: new Set([...routed.keys(), ...listed]) };
  }

  #modelsAt({ config, configured }: Entry): readonly string[] {
    return (
      config.models ??
      configured.provider.models ??
      namedByOperator({ config, configured }) ??
      this.catalog
        .modelsOf(config.type)
        .filter(isListed)
        .map(({ id }) => id)
    );
  }

  #servedModel(id: string, deployment: Deployment): ServedModel {
    const { provider: name, endpoint, baseModel } = deployment;
    const { chat, ownedBy = endpoint.type } = this.entries.get(name)?.configured.provider ?? {};
    const known = this.catalog.find(endpoint.type, baseModel);
    const card = known && { ...known, refuses: [...known.refuses, ...(chat?.refuses?.(deployment) ?? [])] };
    return { id, ownedBy, created: this.#since, sold: deployment, ...(card && { card }) };
  }

  #byPrefix(name: string): { readonly at: Entry; readonly model: string } | undefined {
    const slash = name.indexOf('/');
    const at = slash > 0 ? this.entries.get(name.slice(0, slash)) : undefined;
    const model = name.slice(slash + 1);
    return at === undefined || model === '' ? undefined : { at, model };
  }

  #byCatalog(name: string): { readonly at: Entry; readonly model: string } | undefined {
    const types = new Set(this.catalog.typesOf(name));
    for (const at of this.entries.values()) {
      const own = at.config.models ?? at.configured.provider.models;
      if (own?.includes(name) === true || (own === undefined && types.has(at.config.type))) return { at, model: name };
    }
    return undefined;
  }

  #route(model: ModelConfig): Route {
    return routeOf(
      model,
      model.targets.map((target) => deploy(this.#entry(target.provider), target, model.timeouts)),
    );
  }

  #entry(name: string): Entry {
    const entry = this.entries.get(name);
    if (entry === undefined) throw new Error(`There is no provider "${name}".`);
    return entry;
  }
}

const MAX_REMEMBERED = 10_000;
/** No model has a longer name; it goes into a header, a log line and the names remembered, whoever wrote it. */
const LONGEST_NAME = 512;

export function buildRoutes(config: Config, registry: ProviderRegistry, catalog: ModelCatalog): Routes {
  const entries = config.providers.map((provider): [string, Entry] => [
    provider.name,
    { config: provider, configured: registry.configure(provider) },
  ]);
  return new Routes(config.models, new Map(entries), catalog);
}

/** The policy of a name that no config speaks of. */
const UNCONFIGURED: Omit<ModelConfig, 'name' | 'targets'> = {
  strategy: 'priority',
  retries: DEFAULT_RETRIES,
  fallbacks: [],
  contextWindowFallbacks: [],
  contentPolicyFallbacks: [],
  timeouts: {},
  defaults: {},
};

function routeOf(model: Omit<ModelConfig, 'targets'>, deployments: readonly Deployment[]): Route {
  const { name, strategy, retries, timeouts, hedge, defaults } = model;
  const longest = Math.max(...deployments.map((deployment) => deployment.timeouts.total));
  return {
    name,
    deployments,
    strategy,
    retries,
    fallbacks: {
      failure: model.fallbacks,
      contextWindow: model.contextWindowFallbacks,
      contentPolicy: model.contentPolicyFallbacks,
    },
    total: timeouts.total ?? longest,
    ...(hedge && { hedge }),
    ...limitsOf(model),
    defaults,
  };
}

/** Absent where nothing is bounded: such a route costs its requests nothing. */
function limitsOf({
  rpm = null,
  tpm = null,
  concurrency = null,
  budget = null,
}: Partial<LimitTerms>): Pick<Route, 'limits'> {
  const isFree = rpm === null && tpm === null && concurrency === null && budget === null;
  return isFree ? {} : { limits: { rpm, tpm, concurrency, budget } };
}

/** Where and how one model is called. The route's clocks stand above the provider's, and these above the defaults. */
function deploy(
  { config, configured }: Entry,
  target: Pick<TargetConfig, 'model' | 'baseModel' | 'weight'>,
  timeouts: Partial<Timeouts>,
): Deployment {
  const { deployments, baseModel } = config.settings;
  const named =
    isTextMap(deployments) && Object.hasOwn(deployments, target.model) ? deployments[target.model] : undefined;
  const ruling = target.baseModel ?? (typeof baseModel === 'string' ? baseModel : target.model);
  return {
    provider: config.name,
    model: named ?? target.model,
    baseModel: ruling,
    facts: factsOf(config.type, ruling),
    endpoint: configured.endpoint,
    timeouts: { ...DEFAULT_TIMEOUTS, ...config.timeouts, ...timeouts },
    weight: target.weight,
  };
}

/** At Azure the operator gives models their names: what the catalogue has may not be deployed, so it is not offered. */
function namedByOperator({ config, configured }: Entry): readonly string[] | undefined {
  if (configured.provider.ownNames !== true) return undefined;
  const { deployments } = config.settings;
  return isTextMap(deployments) ? Object.keys(deployments) : [];
}

const isTextMap = (value: unknown): value is Readonly<Record<string, string>> =>
  typeof value === 'object' && value !== null;
const isListed = ({ chat, listed }: ModelCard): boolean => chat && listed;
