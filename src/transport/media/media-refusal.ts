/** Why a URL that a client gave was not fetched, in words for that client. */
export class MediaRefusal extends Error {}

/**
 * The same for a name that does not exist, one that leads inside, and an address inside, whether or not anything
 * listens there: no client is to learn from us what our network looks like.
 */
export const notPublic = (): MediaRefusal => new MediaRefusal('it does not lead to a public address');
