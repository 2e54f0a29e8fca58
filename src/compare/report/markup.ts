/**
 * HTML and SVG as values: the template escapes everything that is put into it, so text from brokers, errors and command lines
 * cannot become markup. Only what was made by the template itself goes in as it is.
 */

export type Piece = string | number | Markup | readonly Piece[] | null | false;

export class Markup {
  readonly text: string;

  /** Not for text from outside: use the template. */
  constructor(text: string) {
    this.text = text;
  }
}

export function html(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Markup {
  return new Markup(
    strings.map((part, index) => part + (index < pieces.length ? render(pieces[index] as Piece) : '')).join(''),
  );
}

export function render(piece: Piece): string {
  if (piece === null || piece === false) return '';
  if (piece instanceof Markup) return piece.text;
  if (typeof piece === 'string' || typeof piece === 'number') return escapeMarkup(String(piece));
  return piece.map(render).join('');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeMarkup(text: string): string {
  return visible(text).replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

/** Built from code points, because a pattern with control characters in it reads as none. */
const unseen = new RegExp(
  [
    String.raw`[\p{Cc}--[\t\n\r]]`,
    String.raw`[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]`,
    String.raw`\p{Surrogate}`,
  ].join('|'),
  'gv',
);

/** Control characters, bidirectional overrides and lone surrogates become U+FFFD; tabs and line ends stay. */
export function visible(text: string): string {
  return text.replace(unseen, '\uFFFD');
}

/** A link where the text is an http address, else the text. */
export function maybeLink(text: string): Markup {
  return /^https?:\/\/[^\s"'<>]+$/.test(text) ? html`<a href="${text}" rel="noreferrer">${text}</a>` : html`${text}`;
}
