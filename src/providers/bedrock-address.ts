import { textSetting } from './credentials.js';
import type { UpstreamCall } from './provider.js';

/** Where AWS's own hosts end, by how the name of the region begins. */
const DOMAINS: readonly (readonly [prefix: string, domain: string])[] = [
  ['cn-', 'amazonaws.com.cn'],
  ['eusc-', 'amazonaws.eu'],
  ['us-iso-', 'c2s.ic.gov'],
  ['us-isob-', 'sc2s.sgov.gov'],
  ['us-isof-', 'csp.hci.ic.gov'],
  ['eu-isoe-', 'cloud.adc-e.uk'],
];

/** The URL of a call. A host that is made of the region's name ends as the hosts of that region do. */
export function bedrockUrl(baseUrl: string, path: string): string {
  const [, root, region = ''] = /^(https:\/\/bedrock-runtime\.([a-z0-9-]+)\.)amazonaws\.com$/.exec(baseUrl) ?? [];
  const [, domain] = DOMAINS.find(([prefix]) => region.startsWith(prefix)) ?? [];
  return (root === undefined || domain === undefined ? baseUrl : root + domain) + path;
}

/** The region that a call is signed for: the setting's, else the one in the host's name. */
export function regionOf(call: UpstreamCall): string | undefined {
  const { baseUrl } = call.deployment.endpoint;
  return textSetting(call, 'region') ?? /\bbedrock-runtime(?:-fips)?\.([a-z]{2,}-[a-z0-9-]+-\d+)\./.exec(baseUrl)?.[1];
}
