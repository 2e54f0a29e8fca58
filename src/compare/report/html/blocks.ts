/**
 * Each kind of block and of text as markup, in one language. Everything goes through the escaping template; in a page from right to
 * left everything that is not Arabic is isolated (bidi.ts).
 */

import { legend, systemClass } from '../charts/index.ts';
import {
  type Block,
  type Cell,
  type Column,
  type Entry,
  type Inline,
  inlines,
  isLines,
  isSaid,
  linesOf,
  type Row,
  type Text,
  type Words,
} from '../document.ts';
import type { Language, Said } from '../language.ts';
import { html, type Markup, maybeLink } from '../markup.ts';
import { piecesOf } from '../phrases/index.ts';
import { inEnglish, isNeutral, isolated, leftToRight } from '../bidi.ts';

export function blockMarkup(block: Block, language: Language): Markup {
  switch (block.kind) {
    case 'paragraph':
      return html`<p${block.look === undefined ? null : html` class="${block.look}"`}>${textMarkup(block.text, language)}</p>
`;
    case 'list':
      return html`<ul class="${block.look ?? 'plain'}">${block.items.map((item) => html`<li>${textMarkup(item, language)}</li>`)}</ul>
`;
    case 'table':
      return tableMarkup(block, language);
    case 'entries':
      return block.look === 'cards' ? cardsMarkup(block, language) : entryTableMarkup(block, language);
    case 'charts':
      return chartsMarkup(block, language);
    case 'facts':
      return html`<dl class="facts">${block.facts.map(({ name, lines }) => html`<div><dt>${wordsMarkup(name, language)}</dt>${lines.map((line) => html`<dd>${textMarkup(line, language)}</dd>`)}</div>`)}</dl>
`;
    case 'code':
      return html`<pre tabindex="0"${language === 'ar' && html` dir="ltr"`}><code>${block.text}</code></pre>
`;
  }
}

export function textMarkup(text: Text, language: Language): Markup {
  return html`${inlines(text).map((inline) => inlineMarkup(inline, language))}`;
}

/** Said, named or quoted: in a page in Arabic each has a direction of its own. */
export function wordsMarkup(words: Words, language: Language): Markup {
  if (isSaid(words)) return language === 'ar' ? isolated(words.ar) : html`${words.en}`;
  if (language === 'en') return html`${words.text}`;
  if (words.kind === 'name') return isNeutral(words.text) ? html`${words.text}` : leftToRight(words.text);
  const pieces = piecesOf(words.text);
  return html`${pieces.map(({ text, isArabic }, index) => [index === 0 ? '' : ' ', isArabic ? isolated(text) : inEnglish(text)])}`;
}

function inlineMarkup(inline: Inline, language: Language): Markup {
  if (isSaid(inline)) return wordsMarkup(inline, language);
  switch (inline.kind) {
    case 'name':
    case 'quote':
      return wordsMarkup(inline, language);
    case 'strong':
      return html`<strong>${wordsMarkup(inline.text, language)}</strong>`;
    case 'quiet':
      return html`<small>${wordsMarkup(inline.text, language)}</small>`;
    case 'code':
      return html`<code${language === 'ar' && html` dir="ltr"`}>${inline.text}</code>`;
    case 'link':
      return html`<a href="#${inline.to}">${wordsMarkup(inline.text, language)}</a>`;
    case 'source':
      return html`<span class="source"${language === 'ar' && html` lang="en" dir="ltr"`}>${maybeLink(inline.text)}</span>`;
    case 'mark':
      return markMarkup(inline, language);
    case 'system':
      return language === 'ar'
        ? html`<bdi class="${systemClass(inline.id)}">${inline.id}</bdi>`
        : html`<span class="${systemClass(inline.id)}">${inline.id}</span>`;
    case 'figure':
      // Digits alone need nothing around them in either language; tables are full of them.
      if (inline.interval === null && !inline.isThin && /^[\d.,]+$/.test(inline.value)) return html`${inline.value}`;
      return html`<span class="figure"${language === 'ar' && /[A-Za-z]/.test(inline.value) && html` dir="ltr"`}>${inline.value}${inline.isThin && html`<span class="thin">†</span>`}${inline.interval !== null && html` <span class="interval">[${inline.interval}]</span>`}</span>`;
  }
}

function markMarkup({ tone, mark: sign, word, to }: Extract<Inline, { kind: 'mark' }>, language: Language): Markup {
  const inner = html`<i aria-hidden="true">${sign}</i> ${wordsMarkup(word, language)}`;
  return to === undefined
    ? html`<span class="badge ${tone}">${inner}</span>`
    : html`<a class="badge ${tone}" href="#${to}">${inner}</a>`;
}

function chartsMarkup(
  { caption, systems, width, panels }: Extract<Block, { kind: 'charts' }>,
  language: Language,
): Markup {
  return html`<figure>
<figcaption>${wordsMarkup(caption, language)}</figcaption>
${systems.length > 0 && legend(systems, language)}
<div class="panels ${width}">${panels.map(({ label, chart }) => html`<div class="panel"><p class="panel-label">${wordsMarkup(label, language)}</p>${chart(language)}</div>`)}</div>
</figure>
`;
}

// ------------------------------------------------------------------------------------------------ tables

// Rows and cells are not closed: the next one does that (HTML standard, 13.1.2.4), and a large run has thirty thousand of them.

function tableMarkup(
  { id, caption, columns, rows, look, notes }: Extract<Block, { kind: 'table' }>,
  language: Language,
): Markup {
  return html`<div class="scroll" role="region" tabindex="0" aria-labelledby="${id}-c"><table${look !== undefined && html` class="${look}"`}>
<caption id="${id}-c">${wordsMarkup(caption, language)}</caption>
<thead>${headRows(columns, language)}</thead>
${grouped(rows).map(
  ({ group, rows: own }) => html`<tbody>
${
  group !== undefined &&
  html`<tr${group.id !== undefined && html` id="${group.id}"`}><th scope="rowgroup" colspan="${columns.length}" class="over">${textMarkup(group.text, language)}
`
}${own.map((row) => rowMarkup(row, columns, language, look === 'dense'))}</tbody>
`,
)}</table></div>
${notes !== undefined && notes.map((note) => html`<p class="note">${textMarkup(note, language)}</p>`)}
`;
}

/** At least one, which may be without a name and empty. */
function grouped(rows: readonly Row[]): readonly { readonly group: Row['group']; readonly rows: readonly Row[] }[] {
  const groups: { group: Row['group']; rows: Row[] }[] = [];
  for (const row of rows) {
    const last = groups.at(-1);
    if (last === undefined || row.group !== undefined) groups.push({ group: row.group, rows: [row] });
    else last.rows.push(row);
  }
  return groups.length === 0 ? [{ group: undefined, rows: [] }] : groups;
}

/** Where columns have a group, two rows of heads. */
function headRows(columns: readonly Column[], language: Language): Markup {
  if (columns.every((column) => column.group === undefined))
    return html`<tr>${columns.map((column) => headCell(column, false, language))}`;
  const upper = columns.flatMap((column, index) => {
    if (column.group === undefined) return [headCell(column, true, language)];
    if (columns[index - 1]?.group?.en === column.group.en) return [];
    const next = columns.slice(index).findIndex(({ group }) => group?.en !== column.group?.en);
    const span = next === -1 ? columns.length - index : next;
    return [html`<th scope="colgroup" class="group" colspan="${span}">${wordsMarkup(column.group, language)}`];
  });
  const lower = columns
    .filter((column) => column.group !== undefined)
    .map((column) => headCell(column, false, language));
  return html`<tr>${upper}<tr>${lower}`;
}

function headCell({ title, unit, isNumeric }: Column, spansBoth: boolean, language: Language): Markup {
  return html`<th scope="col"${isNumeric === true && html` class="n"`}${spansBoth && html` rowspan="2"`}>${wordsMarkup(title, language)}${unit !== undefined && html` <span class="unit">${wordsMarkup(unit, language)}</span>`}`;
}

function rowMarkup(
  { id, cells, isApart }: Row,
  columns: readonly Column[],
  language: Language,
  isDense: boolean,
): Markup {
  let at = 0;
  const rest = cells.map((cell) => {
    const column = columns[at];
    const isFirst = at === 0;
    at += isLines(cell) ? (cell.span ?? 1) : 1;
    return isFirst ? html`<th scope="row">${cellMarkup(cell, language)}` : dataCell(cell, column, language, isDense);
  });
  return html`<tr${id !== undefined && html` id="${id}"`}${isApart === true && html` class="apart"`}>${rest}
`;
}

/** Nearly all cells of a dense table are numbers, and there are thousands of them: there the others are marked. */
function dataCell(cell: Cell, column: Column | undefined, language: Language, isDense: boolean): Markup {
  const span = isLines(cell) ? cell.span : undefined;
  const tone = isLines(cell) ? cell.tone : undefined;
  const isNumber = column?.isNumeric === true && span === undefined;
  const classes = [
    ...(isNumber === isDense ? [] : [isDense ? 't' : 'n']),
    ...(tone === undefined ? [] : ['told', tone]),
  ].join(' ');
  return html`<td${classes !== '' && html` class="${classes}"`}${span !== undefined && html` colspan="${span}"`}>${cellMarkup(cell, language)}`;
}

function cellMarkup(cell: Cell, language: Language): Markup {
  return linesMarkup(linesOf(cell), language);
}

function linesMarkup(lines: readonly Text[], language: Language): Markup {
  const [only] = lines;
  if (lines.length === 1 && only !== undefined) return textMarkup(only, language);
  return html`${lines.map((line) => html`<div>${textMarkup(line, language)}</div>`)}`;
}

// ------------------------------------------------------------------------------------------------ entries

function cardsMarkup({ caption, fields, entries }: Extract<Block, { kind: 'entries' }>, language: Language): Markup {
  return html`<ul class="cards" aria-label="${caption[language]}">
${entries.map((entry) => cardMarkup(entry, fields, language))}</ul>
`;
}

/** The first field is what the card says; the others are what it rests on. */
function cardMarkup({ id, head, values }: Entry, fields: readonly Said[], language: Language): Markup {
  return html`<li${id !== undefined && html` id="${id}"`}><p class="head">${textMarkup(head, language)}</p>
<dl>${fields.map((field, index) => {
    const lines = values[index] ?? [];
    return (
      lines.length > 0 &&
      html`<div><dt>${wordsMarkup(field, language)}</dt>${lines.map((line) => html`<dd>${textMarkup(line, language)}</dd>`)}</div>`
    );
  })}</dl></li>
`;
}

function entryTableMarkup(
  { id, caption, head, fields, entries }: Extract<Block, { kind: 'entries' }>,
  language: Language,
): Markup {
  const table = {
    kind: 'table',
    id,
    caption,
    columns: [{ title: head }, ...fields.map((title) => ({ title }))],
    rows: entries.map((entry) => ({
      ...(entry.id === undefined ? {} : { id: entry.id }),
      cells: [entry.head, ...fields.map((_, index) => ({ lines: entry.values[index] ?? [] }))],
    })),
    look: 'prose',
  } as const;
  return tableMarkup(table, language);
}
