import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import type { ProviderConfig } from '../config/config.js';
import type { ProviderEndpoint } from '../domain/deployment.js';
import { compatibleProvider } from './compatible-provider.js';
import { COMPATIBLE_ROWS } from './openai-compatible.js';
import { ProviderAdapter, type Provider } from './provider.js';
import { Upstreams } from './upstreams.js';

/** A provider as the config sets it up: the adapter or row that speaks, and where and as whom. */
export interface ConfiguredProvider {
  readonly name: string;
  readonly provider: Provider;
  readonly endpoint: ProviderEndpoint;
}

/** Finds the adapters by their mark, and turns rows of the table into providers. */
@Injectable()
export class ProviderRegistry implements OnModuleInit {
  readonly #adapters = new Map<string, Provider>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly upstreams: Upstreams,
  ) {}

  onModuleInit(): void {
    for (const wrapper of this.discovery.getProviders({ metadataKey: ProviderAdapter.KEY })) {
      const type = this.discovery.getMetadataByDecorator(ProviderAdapter, wrapper);
      if (type === undefined) continue;
      if (this.#adapters.has(type) || COMPATIBLE_ROWS.some((row) => row.type === type))
        throw new Error(`Two provider adapters answer to the type "${type}".`);
      this.#adapters.set(type, wrapper.instance as Provider);
    }
  }

  /** Throws an Error that names the provider where its type is unknown or its address is not. */
  configure(config: ProviderConfig): ConfiguredProvider {
    const row = COMPATIBLE_ROWS.find(({ type }) => type === config.type);
    const provider = row ? compatibleProvider(row, config.quirks, this.upstreams) : this.#adapters.get(config.type);
    if (provider === undefined) throw new Error(`Provider "${config.name}": there is no type "${config.type}".`);
    const endpoint = {
      type: config.type,
      baseUrl: addressOf(config, provider),
      credentials: config.apiKeys,
      headers: config.headers,
      ...(config.concurrency !== undefined && { concurrency: config.concurrency }),
      settings: config.settings,
    };
    return { name: config.name, provider, endpoint };
  }
}

/** The base URL without a slash at its end, and with the provider's settings filled in. */
function addressOf({ name, baseUrl, settings }: ProviderConfig, provider: Provider): string {
  const address = baseUrl ?? provider.baseUrl;
  if (address === null) throw new Error(`Provider "${name}" needs a baseUrl.`);
  const instead = baseUrl === undefined ? 'a baseUrl, or ' : '';
  return address
    .replace(/\{(\w+)\}/g, (_, setting: string) => {
      const value = settings[setting];
      if (typeof value !== 'string') throw new Error(`Provider "${name}" needs ${instead}\`${setting}\`.`);
      return encodeURIComponent(value);
    })
    .replace(/\/+$/, '');
}
