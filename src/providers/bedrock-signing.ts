import type { SignatureV4 } from '@smithy/signature-v4';

/** Who calls, in AWS's terms. */
export interface AwsIdentity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary credentials. */
  readonly sessionToken?: string;
}

/** What a signature is good for. */
export interface SigningScope {
  readonly region: string;
  readonly service: string;
}

/**
 * Signs by Signature Version 4; the path is encoded once more than on the wire (Bedrock reference §1). AWS's packages are
 * loaded when they are first needed: they are large, and most gateways sign nothing.
 */
export async function awsSigner(credentials: AwsIdentity, { region, service }: SigningScope): Promise<SignatureV4> {
  const [{ SignatureV4 }, { Sha256 }] = await Promise.all([
    import('@smithy/signature-v4'),
    import('@aws-crypto/sha256-js'),
  ]);
  return new SignatureV4({ credentials, region, service, sha256: Sha256, applyChecksum: false });
}

/** A request as it is about to be sent. */
export interface Signable {
  readonly url: string;
  readonly body: string;
  readonly region: string;
  readonly at: Date;
}

/** The only headers of ours that are signed: what proxies on the way add or change must not break the signature. */
const SIGNED = { 'content-type': 'application/json' };

/** The headers that prove who sends this request. */
export async function signedHeaders(
  identity: AwsIdentity,
  { url, body, region, at }: Signable,
): Promise<Readonly<Record<string, string>>> {
  const { protocol, host, hostname, pathname } = new URL(url);
  const headers = { ...SIGNED, host };
  const request = { method: 'POST', protocol, hostname, path: pathname, headers, body };
  const signer = await awsSigner(identity, { region, service: 'bedrock' });
  const signed = await signer.sign(request, { signingDate: at });
  const { host: _host, ...proof } = signed.headers;
  return proof;
}
