import { GoogleAuth } from 'google-auth-library';
import { UpstreamError } from '../domain/errors.js';

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
  readonly #byFile = new Map<string, GoogleAuth>();

  /** Throws UpstreamError that tells the client nothing of how this gateway proves who it is. */
  async token(credentialsFile: string | undefined): Promise<string> {
    try {
      const token = await this.#auth(credentialsFile).getAccessToken();
      if (token != null && token !== '') return token;
    } catch (cause) {
      throw new UpstreamError(REFUSED, { code: 'upstream_authentication', cause });
    }
    throw new UpstreamError(REFUSED, { code: 'upstream_authentication' });
  }

  #auth(file = ''): GoogleAuth {
    const known = this.#byFile.get(file);
    if (known !== undefined) return known;
    const auth = new GoogleAuth({
      scopes: [SCOPE],
      clientOptions: { eagerRefreshThresholdMillis: EARLY_MS, transporterOptions: { timeout: PATIENCE_MS } },
      ...(file !== '' && { keyFilename: file }),
    });
    this.#byFile.set(file, auth);
    return auth;
  }
}

const REFUSED = 'The gateway could not prove to the provider who it is.';
