/** Text that is HTML already. Everything else is escaped where it is put in. */
export class Markup {
  constructor(readonly html: string) {}
}

export type Insert = string | number | Markup | readonly Insert[];

/** A piece of HTML; what is inserted is escaped unless it is markup. */
export function markup(strings: TemplateStringsArray, ...inserts: readonly Insert[]): Markup {
  return new Markup(strings.reduce((html, piece, at) => html + rendered(inserts[at - 1] ?? '') + piece));
}

export const NOTHING = new Markup('');

/** Prose in which `backticks` mark code. */
export function prose(text: string): Markup {
  const pieces = text.split('`').map((piece, at) => (at % 2 === 0 ? markup`${piece}` : markup`<code>${piece}</code>`));
  return markup`${pieces}`;
}

function rendered(insert: Insert): string {
  if (insert instanceof Markup) return insert.html;
  if (typeof insert === 'object') return insert.map(rendered).join('');
  return String(insert).replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
