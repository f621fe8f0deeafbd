/** What a data URL holds. */
export interface DataUrl {
  /** In small letters and without parameters; '' where the URL says none. */
  readonly type: string;
  /** Base64. */
  readonly data: string;
}

const LONGEST_HEAD = 500;

/** A data URL taken apart; undefined for anything else. The bytes may be megabytes, so no pattern is run over them. */
export function dataUrl(url: string): DataUrl | undefined {
  if (url.slice(0, 5).toLowerCase() !== 'data:') return undefined;
  const comma = url.indexOf(',');
  if (comma === -1 || comma > LONGEST_HEAD) return undefined;
  const words = url.slice(5, comma).toLowerCase().split(';');
  const [type = '', ...parameters] = words.map((word) => word.trim());
  const payload = url.slice(comma + 1);
  const data = parameters.includes('base64') ? payload : Buffer.from(decoded(payload)).toString('base64');
  return { type, data };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a lone percent sign: the text was not encoded
  }
}

/** How images and PDFs begin, in base64. */
const BEGINNINGS: readonly (readonly [beginning: string, type: string])[] = [
  ['iVBORw0KGgo', 'image/png'],
  ['/9j/', 'image/jpeg'],
  ['R0lGOD', 'image/gif'],
  ['UklGR', 'image/webp'],
  ['JVBERi', 'application/pdf'],
];

/** The type that the bytes themselves show: one that a client gets wrong is refused upstream. */
export const seenType = (data: string): string | undefined =>
  BEGINNINGS.find(([beginning]) => data.startsWith(beginning))?.[1];
