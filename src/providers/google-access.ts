import type { GoogleAuth } from 'google-auth-library';
import { UpstreamError } from '../domain/errors.js';
import { reasonOf } from './credentials.js';

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';

/** A token is exchanged this long before it ends, so that no call is under way with one that is over. */
const EARLY_MS = 5 * 60 * 1000;

/** A call waits for its token no longer than this. */
const PATIENCE_MS = 10_000;

/**
 * Access tokens for Google Cloud: of a service account's file, or of wherever the program runs (application default
 * credentials, the metadata server). The library keeps a token until it is about to end.
 */
export class GoogleAccess {
  readonly #byFile = new Map<string, Promise<GoogleAuth>>();

  /** Throws UpstreamError that tells the client nothing of how this gateway proves who it is. */
  async token(credentialsFile: string | undefined): Promise<string> {
    try {
      const token = await (await this.#auth(credentialsFile)).getAccessToken();
      if (token != null && token !== '') return token;
    } catch (cause) {
      throw new UpstreamError(REFUSED, { code: 'upstream_authentication', cause, reason: reasonOf(cause) });
    }
    throw new UpstreamError(REFUSED, { code: 'upstream_authentication' });
  }

  #auth(file = ''): Promise<GoogleAuth> {
    let auth = this.#byFile.get(file);
    if (auth === undefined) {
      auth = authBy(file);
      this.#byFile.set(file, auth);
    }
    return auth;
  }
}

/** Google's library is loaded when it is first needed: it is large, and most gateways have no Vertex AI. */
async function authBy(file: string): Promise<GoogleAuth> {
  const { GoogleAuth } = await import('google-auth-library');
  return new GoogleAuth({
    scopes: [SCOPE],
    clientOptions: { eagerRefreshThresholdMillis: EARLY_MS, transporterOptions: { timeout: PATIENCE_MS } },
    ...(file !== '' && { keyFilename: file }),
  });
}

const REFUSED = 'The gateway could not prove to the provider who it is.';
