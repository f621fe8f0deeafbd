import { UpstreamError } from '../domain/errors.js';
import { Secret } from '../domain/secret.js';
import { regionOf } from './bedrock-address.js';
import type { AwsIdentity } from './bedrock-signing.js';
import { reasonOf, textSetting } from './credentials.js';
import type { UpstreamCall } from './provider.js';

type IdentitySource = () => Promise<AwsIdentity>;

/** Where to look: the profile in AWS's own files, and the region whose services are asked for the keys of a role. */
export interface Search {
  readonly profile: string | undefined;
  readonly region: string | undefined;
}

/** Makes AWS's own search for credentials: environment, files, single sign-on, roles of containers and machines. */
export type CredentialChain = (search: Search) => Promise<IdentitySource>;

/** Loaded when it is first needed: it is large, and most gateways have a key. */
const awsChain: CredentialChain = async ({ profile, region }) => {
  const { defaultProvider } = await import('@aws-sdk/credential-provider-node');
  return defaultProvider({
    ...(profile !== undefined && { profile }),
    // Roles are asked for there, unless AWS's own files name another region; single sign-on has one of its own.
    ...(region !== undefined && { parentClientConfig: { region } }),
  });
};

/** As whom Bedrock is called where the config has no key: the keys of the config, else what AWS's own search finds. */
export class AwsCredentials {
  /** By profile and region. Each source keeps what it has found until five minutes before it expires. */
  readonly #sources = new Map<string, Promise<IdentitySource>>();

  constructor(private readonly chain: CredentialChain = awsChain) {}

  /** Throws UpstreamError where there are none. */
  async identity(call: UpstreamCall): Promise<AwsIdentity> {
    const own = configured(call);
    if (own !== undefined) return own;
    try {
      const source = await this.#source(call);
      return await source();
    } catch (cause) {
      this.#sources.delete(placeOf(call));
      throw new UpstreamError('The gateway has found no AWS credentials for this provider.', {
        code: 'upstream_authentication',
        cause,
        reason: reasonOf(cause),
      });
    }
  }

  /** Forgets what was found; false where nothing else can be found, as the config itself has the keys. */
  renew(call: UpstreamCall): boolean {
    if (configured(call) !== undefined) return false;
    this.#sources.delete(placeOf(call));
    return true;
  }

  #source(call: UpstreamCall): Promise<IdentitySource> {
    const place = placeOf(call);
    const known = this.#sources.get(place);
    if (known !== undefined) return known;
    const source = this.chain(searchOf(call));
    this.#sources.set(place, source);
    return source;
  }
}

const searchOf = (call: UpstreamCall): Search => ({ profile: textSetting(call, 'profile'), region: regionOf(call) });

const placeOf = (call: UpstreamCall): string => JSON.stringify(Object.values(searchOf(call)));

/** Keys of the config stand alone: a session token of the environment belongs to other keys. */
function configured(call: UpstreamCall): AwsIdentity | undefined {
  const accessKeyId = textSetting(call, 'accessKeyId');
  const secretAccessKey = secretSetting(call, 'secretAccessKey');
  const sessionToken = secretSetting(call, 'sessionToken');
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined;
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new UpstreamError('Of `accessKeyId` and `secretAccessKey` the config has only one.', {
      code: 'upstream_authentication',
    });
  return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
}

function secretSetting({ deployment }: UpstreamCall, name: string): string | undefined {
  const value = deployment.endpoint.settings[name];
  return value instanceof Secret ? value.reveal() : undefined;
}
