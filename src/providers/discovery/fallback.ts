import { Logger } from '@nestjs/common';
import type { ProviderConfig } from '../../config/config.js';
import type { DiscoverySettings } from '../../config/discovery-environment.js';
import { findLocalServers } from './local-servers.js';

const NOTHING = { apiKeys: [], headers: {}, timeouts: {}, quirks: [], settings: {} };

/** The providers of a gateway for which none is configured: the model servers of this machine, and the simulator. */
export async function findFallback(
  ownPort: number,
  { enabled, ollamaHost }: DiscoverySettings,
): Promise<readonly ProviderConfig[]> {
  const found = enabled ? await findLocalServers({ ownPort, ollamaHost }) : [];
  const log = new Logger('Discovery');
  for (const { name, baseUrl, models } of found) log.log(`Found ${name} at ${baseUrl} with ${models.length} models.`);
  return [
    ...found.map(({ type, baseUrl, models }): ProviderConfig => ({ ...NOTHING, name: type, type, baseUrl, models })),
    { ...NOTHING, name: 'simulator', type: 'simulator' },
  ];
}
