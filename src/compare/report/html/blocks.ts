/** Each kind of block and of text as markup. Everything goes through the escaping template. */

import { legend, lineClass, mark } from '../charts/index.ts';
import {
  type Block,
  type Cell,
  type Column,
  type Entry,
  type Inline,
  inlines,
  isLines,
  linesOf,
  type Row,
  type Text,
} from '../document.ts';
import { html, type Markup, maybeLink } from '../markup.ts';

export function blockMarkup(block: Block): Markup {
  switch (block.kind) {
    case 'paragraph':
      return html`<p${block.look === undefined ? null : html` class="${block.look}"`}>${textMarkup(block.text)}</p>
`;
    case 'list':
      return html`<ul class="${block.look ?? 'plain'}">${block.items.map((item) => html`<li>${textMarkup(item)}</li>`)}</ul>
`;
    case 'table':
      return tableMarkup(block);
    case 'entries':
      return block.look === 'cards' ? cardsMarkup(block) : entryTableMarkup(block);
    case 'charts':
      return chartsMarkup(block);
    case 'facts':
      return html`<dl class="facts">${block.facts.map(({ name, lines }) => html`<div><dt>${name}</dt>${lines.map((line) => html`<dd>${textMarkup(line)}</dd>`)}</div>`)}</dl>
`;
    case 'code':
      return html`<pre tabindex="0"><code>${block.text}</code></pre>
`;
  }
}

export function textMarkup(text: Text): Markup {
  return html`${inlines(text).map(inlineMarkup)}`;
}

function inlineMarkup(inline: Inline): Markup {
  if (typeof inline === 'string') return html`${inline}`;
  switch (inline.kind) {
    case 'strong':
      return html`<strong>${inline.text}</strong>`;
    case 'quiet':
      return html`<span class="quiet">${inline.text}</span>`;
    case 'code':
      return html`<code>${inline.text}</code>`;
    case 'link':
      return html`<a href="#${inline.to}">${inline.text}</a>`;
    case 'source':
      return html`<span class="source">${maybeLink(inline.text)}</span>`;
    case 'mark':
      return markMarkup(inline);
    case 'system':
      return html`<span class="system"><svg class="${`swatch ${lineClass(inline.id)}`}" viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">${mark(inline.id, 6, 6)}</svg>${inline.id}</span>`;
    case 'figure':
      return html`<span class="figure">${inline.value}${inline.isThin && html`<span class="thin">†</span>`}${inline.interval !== null && html` <span class="interval">[${inline.interval}]</span>`}</span>`;
  }
}

function markMarkup({ tone, mark: sign, word, to }: Extract<Inline, { kind: 'mark' }>): Markup {
  const inner = html`<span class="sign" aria-hidden="true">${sign}</span> ${word}`;
  return to === undefined
    ? html`<span class="badge ${tone}">${inner}</span>`
    : html`<a class="badge ${tone}" href="#${to}">${inner}</a>`;
}

function chartsMarkup({ caption, systems, width, panels }: Extract<Block, { kind: 'charts' }>): Markup {
  return html`<figure>
<figcaption>${caption}</figcaption>
${systems.length > 0 && legend(systems)}
<div class="panels ${width}">${panels.map(({ label, chart }) => html`<div class="panel"><p class="panel-label">${label}</p>${chart}</div>`)}</div>
</figure>
`;
}

// ------------------------------------------------------------------------------------------------ tables

function tableMarkup({ id, caption, columns, rows, look, notes }: Extract<Block, { kind: 'table' }>): Markup {
  return html`<div class="scroll" role="region" tabindex="0" aria-labelledby="${id}-c"><table${look !== undefined && html` class="${look}"`}>
<caption id="${id}-c">${caption}</caption>
<thead>${headRows(columns)}</thead>
<tbody>
${rows.map((row) => rowMarkup(row, columns))}</tbody>
</table></div>
${notes !== undefined && notes.map((note) => html`<p class="note">${note}</p>`)}
`;
}

/** Where columns have a group, two rows of heads. */
function headRows(columns: readonly Column[]): Markup {
  if (columns.every((column) => column.group === undefined))
    return html`<tr>${columns.map((column) => headCell(column, false))}</tr>`;
  const upper = columns.flatMap((column, index) => {
    if (column.group === undefined) return [headCell(column, true)];
    if (columns[index - 1]?.group === column.group) return [];
    const next = columns.slice(index).findIndex(({ group }) => group !== column.group);
    const span = next === -1 ? columns.length - index : next;
    return [html`<th scope="colgroup" class="group" colspan="${span}">${column.group}</th>`];
  });
  const lower = columns.filter((column) => column.group !== undefined).map((column) => headCell(column, false));
  return html`<tr>${upper}</tr><tr>${lower}</tr>`;
}

function headCell({ title, unit, isNumeric }: Column, spansBoth: boolean): Markup {
  return html`<th scope="col"${isNumeric === true && html` class="number"`}${spansBoth && html` rowspan="2"`}>${title}${unit !== undefined && html` <span class="unit">${unit}</span>`}</th>`;
}

function rowMarkup({ id, cells, isApart }: Row, columns: readonly Column[]): Markup {
  let at = 0;
  const rest = cells.map((cell) => {
    const column = columns[at];
    const isFirst = at === 0;
    at += isLines(cell) ? (cell.span ?? 1) : 1;
    return isFirst ? html`<th scope="row">${cellMarkup(cell)}</th>` : dataCell(cell, column);
  });
  return html`<tr${id !== undefined && html` id="${id}"`}${isApart === true && html` class="apart"`}>${rest}</tr>
`;
}

function dataCell(cell: Cell, column: Column | undefined): Markup {
  const span = isLines(cell) ? cell.span : undefined;
  const tone = isLines(cell) ? cell.tone : undefined;
  const classes = [
    ...(column?.isNumeric === true && span === undefined ? ['number'] : []),
    ...(tone === undefined ? [] : ['told', tone]),
  ].join(' ');
  return html`<td${classes !== '' && html` class="${classes}"`}${span !== undefined && html` colspan="${span}"`}>${cellMarkup(cell)}</td>`;
}

function cellMarkup(cell: Cell): Markup {
  return linesMarkup(linesOf(cell));
}

function linesMarkup(lines: readonly Text[]): Markup {
  const [only] = lines;
  if (lines.length === 1 && only !== undefined) return textMarkup(only);
  return html`${lines.map((line) => html`<div>${textMarkup(line)}</div>`)}`;
}

// ------------------------------------------------------------------------------------------------ entries

function cardsMarkup({ caption, fields, entries }: Extract<Block, { kind: 'entries' }>): Markup {
  return html`<ul class="cards" aria-label="${caption}">
${entries.map((entry) => cardMarkup(entry, fields))}</ul>
`;
}

/** The first field is what the card says; the others are what it rests on. */
function cardMarkup({ id, head, values }: Entry, fields: readonly string[]): Markup {
  return html`<li${id !== undefined && html` id="${id}"`}><p class="head">${textMarkup(head)}</p>
<dl>${fields.map((field, index) => {
    const lines = values[index] ?? [];
    return (
      lines.length > 0 && html`<div><dt>${field}</dt>${lines.map((line) => html`<dd>${textMarkup(line)}</dd>`)}</div>`
    );
  })}</dl></li>
`;
}

function entryTableMarkup({ id, caption, head, fields, entries }: Extract<Block, { kind: 'entries' }>): Markup {
  return tableMarkup({
    kind: 'table',
    id,
    caption,
    columns: [{ title: head }, ...fields.map((title) => ({ title }))],
    rows: entries.map((entry) => ({
      ...(entry.id === undefined ? {} : { id: entry.id }),
      cells: [entry.head, ...fields.map((_, index) => ({ lines: entry.values[index] ?? [] }))],
    })),
    look: 'prose',
  });
}
