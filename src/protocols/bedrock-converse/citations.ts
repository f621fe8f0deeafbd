import { isObject, isShallow, type Json } from '../json.js';

/** An account of a source that is nested deeper is not one. */
const DEEPEST = 8;

/** What a citation of Converse says to a client: web pages as OpenAI's annotations, the rest as it came. */
export interface Cited {
  readonly annotations?: readonly Json[];
  readonly citations?: readonly Json[];
}

/** Where the text stands that the sources are given for, in characters of the content. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** `index` of the first: entries of a stream must not share one. */
export function citedBy(citations: readonly unknown[], { start, end }: Span, index: number): Cited {
  const annotations: Json[] = [];
  const others: Json[] = [];
  for (const citation of citations) {
    if (!isObject(citation) || !isShallow(citation, DEEPEST)) continue;
    const url = webAddress(citation);
    const at = index + annotations.length + others.length;
    if (url === undefined) others.push({ ...citation, index: at });
    else
      annotations.push({
        type: 'url_citation',
        index: at,
        url_citation: { ...page(url, citation), start_index: start, end_index: end },
      });
  }
  return {
    ...(annotations.length > 0 && { annotations }),
    ...(others.length > 0 && { citations: others }),
  };
}

function webAddress({ location }: Json): string | undefined {
  const web = isObject(location) ? location['web'] : undefined;
  return isObject(web) && typeof web['url'] === 'string' ? web['url'] : undefined;
}

const page = (url: string, { title }: Json): Json => ({ url, title: typeof title === 'string' ? title : url });
