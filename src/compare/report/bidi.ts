/**
 * Text of a page that is read from right to left. Latin words, ids, units and signed or ranged figures inside an Arabic sentence are
 * each put into an element of their own, because the neutral characters around them (a hyphen, a dash between two figures, a
 * bracket) would otherwise go to the wrong side: `12,100–12,500` would be read as `12,500–12,100`.
 */

import { html, type Markup } from './markup.ts';

/** From its first Latin letter, digit or sign to its last, over single spaces; Arabic, quotation marks and brackets end it. */
const run =
  /[^\s\u0600-\u06ff()[\]“”«»"،؛؟:;.!,–…·]*[A-Za-z0-9](?:[^\s\u0600-\u06ff()[\]“”«»"،؛؟]*[A-Za-z0-9%†])?(?: (?:[×=–→<>≤≥±]|% ?)? ?[^\s\u0600-\u06ff()[\]“”«»"،؛؟:;.!,–…·]*[A-Za-z0-9](?:[^\s\u0600-\u06ff()[\]“”«»"،؛؟]*[A-Za-z0-9%†])?)*(?: ?%)?/g;

/** A lone whole or decimal figure stays as it is: every browser shows it right. */
const plainFigure = /^\d[\d,.]*$/;

/** The sentence with its Latin runs isolated. */
export function isolated(arabic: string): Markup {
  return withRuns(arabic, leftToRight);
}

/** The same for a text of a drawing, which knows other elements. */
export function isolatedInDrawing(arabic: string): Markup {
  return withRuns(arabic, (text) => html`<tspan direction="ltr" unicode-bidi="embed">${text}</tspan>`);
}

function withRuns(arabic: string, around: (text: string) => Markup): Markup {
  const pieces: (string | Markup)[] = [];
  let end = 0;
  for (const { 0: text, index } of arabic.matchAll(run)) {
    pieces.push(arabic.slice(end, index), plainFigure.test(text) ? text : around(text));
    end = index + text.length;
  }
  return html`${[...pieces, arabic.slice(end)]}`;
}

/** A name or a figure by itself. Space and a colon around it belong to the sentence that it stands in. */
export function leftToRight(text: string): Markup {
  const [, before = '', inner = '', after = ''] = /^(\s*)(.*?)([\s:]*)$/s.exec(text) ?? [];
  return html`${before}<bdi>${inner}</bdi>${after}`;
}

/** What the run wrote in English and nobody has translated. */
export function inEnglish(text: string): Markup {
  return text === '' ? html`` : html`<bdi lang="en">${text}</bdi>`;
}

/** Nothing in it has a direction that could be lost. */
export function isNeutral(text: string): boolean {
  return plainFigure.test(text) || !/[A-Za-z0-9]/.test(text);
}
