import { UpstreamError } from '../domain/errors.js';
import { Secret } from '../domain/secret.js';
import type { AwsIdentity } from './bedrock-signing.js';
import { textSetting } from './bearer.js';
import type { UpstreamCall } from './provider.js';

type IdentitySource = () => Promise<AwsIdentity>;

/** Makes AWS's own search for credentials: environment, files, single sign-on, roles of containers and machines. */
export type CredentialChain = (profile: string | undefined) => Promise<IdentitySource>;

/** Loaded when it is first needed: it is large, and most gateways have a key. */
const awsChain: CredentialChain = async (profile) => {
  const { defaultProvider } = await import('@aws-sdk/credential-provider-node');
  return defaultProvider(profile === undefined ? {} : { profile });
};

/** As whom Bedrock is called where the config has no key: the keys of the config, else what AWS's own search finds. */
export class AwsCredentials {
  /** By profile. Each source keeps what it has found until five minutes before it expires. */
  readonly #sources = new Map<string, Promise<IdentitySource>>();

  constructor(private readonly chain: CredentialChain = awsChain) {}

  /** Throws UpstreamError where there are none. */
  async identity(call: UpstreamCall): Promise<AwsIdentity> {
    const own = configured(call);
    if (own !== undefined) return own;
    const profile = textSetting(call, 'profile');
    try {
      const source = await this.#source(profile);
      return await source();
    } catch (cause) {
      this.#sources.delete(profile ?? '');
      throw new UpstreamError('The gateway has found no AWS credentials for this provider.', {
        code: 'upstream_authentication',
        cause,
      });
    }
  }

  /** Forgets what was found; false where nothing else can be found, as the config itself has the keys. */
  renew(call: UpstreamCall): boolean {
    if (configured(call) !== undefined) return false;
    this.#sources.delete(textSetting(call, 'profile') ?? '');
    return true;
  }

  #source(profile: string | undefined): Promise<IdentitySource> {
    const known = this.#sources.get(profile ?? '');
    if (known !== undefined) return known;
    const source = this.chain(profile);
    this.#sources.set(profile ?? '', source);
    return source;
  }
}

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
