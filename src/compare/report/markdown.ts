/**
 * The report as Markdown that can be read as it is in a terminal: tables are padded, marks are words. Charts are left out, their
 * figures stand in the tables. Text from outside is escaped, so that nothing in it is taken for a heading, a link, a cell or HTML.
 */

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
  type Part,
  type ReportDocument,
  type Row,
  type Text,
  type Words,
} from './document.ts';
import type { Said } from './language.ts';
import { visible } from './markup.ts';
import type { Report } from './model.ts';
import { reportDocument } from './sections/index.ts';

/** Wider cells do not widen their column. */
const paddedWidthMax = 44;

/** Same report, same text. The report must have been checked (check.ts). */
export function renderMarkdown(report: Report): string {
  const document = reportDocument(report);
  const places = headingSlugs(document);
  const { title, byline, sections } = document;
  const lines = [
    `# ${english(title)}`,
    '',
    byline.map((text) => inText(text, places)).join(' · '),
    '',
    sections.map((section) => `[${inText(section.title, places)}](#${places.get(section.id) ?? ''})`).join(' · '),
    ...sections.flatMap((section) => [
      '',
      `## ${inText(section.title, places)}`,
      ...section.blocks.flatMap((block) => blockLines(block, places)),
      ...section.parts.flatMap((part) => [
        '',
        `### ${inText(part.title, places)}`,
        ...part.blocks.flatMap((block) => blockLines(block, places)),
      ]),
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

// ------------------------------------------------------------------------------------------------ places

type Places = ReadonlyMap<string, string>;

/** Id -> slug of the heading that it stands under, as forges make it: rows have no anchor of their own in Markdown. */
function headingSlugs({ title, sections }: ReportDocument): Places {
  const taken = new Map<string, number>();
  const slugOf = (heading: string): string => {
    const own = slug(heading);
    const times = taken.get(own) ?? 0;
    taken.set(own, times + 1);
    return times === 0 ? own : `${own}-${times}`;
  };
  slugOf(title.en);
  const places = new Map<string, string>();
  for (const section of sections) {
    const own = slugOf(plain(section.title));
    for (const id of [section.id, ...section.blocks.flatMap(idsIn)]) places.set(id, own);
    for (const part of section.parts) {
      const ofPart = slugOf(plain(part.title));
      for (const id of [part.id, ...part.blocks.flatMap(idsIn)]) places.set(id, ofPart);
    }
  }
  return places;
}

function plain(title: Part['title']): string {
  return wordsIn(title).map(textOf).join('');
}

function wordsIn(title: Part['title']): readonly Words[] {
  return Array.isArray(title) ? title : [title as Words];
}

/** Lower case, spaces as hyphens, everything else but letters, digits, hyphens and underscores away. */
export function slug(heading: string): string {
  return visible(heading)
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M} _-]/gu, '')
    .replaceAll(' ', '-');
}

function idsIn(block: Block): readonly string[] {
  if (block.kind === 'table')
    return block.rows.flatMap(({ id, group }) => [
      ...(group?.id === undefined ? [] : [group.id]),
      ...(id === undefined ? [] : [id]),
    ]);
  return block.kind === 'entries' ? block.entries.flatMap(({ id }) => id ?? []) : [];
}

// ------------------------------------------------------------------------------------------------ blocks

/** With an empty line before it. */
function blockLines(block: Block, places: Places): readonly string[] {
  switch (block.kind) {
    case 'paragraph':
      return ['', inText(block.text, places)];
    case 'list':
      return ['', ...block.items.map((item) => `- ${inText(item, places)}`)];
    case 'table':
      return [
        '',
        `**${english(block.caption)}**`,
        '',
        ...tableLines(block.columns, block.rows, places),
        ...notes(block.notes, places),
      ];
    case 'entries':
      return ['', ...block.entries.flatMap((entry) => entryLines(entry, block.fields, places))];
    case 'charts':
      return [];
    case 'facts':
      return [
        '',
        ...block.facts.map(
          ({ name, lines }) => `- **${english(name)}**: ${lines.map((line) => inText(line, places)).join('; ')}`,
        ),
      ];
    case 'code':
      return ['', ...fenced(block.text)];
  }
}

function notes(sentences: readonly Text[] | undefined, places: Places): readonly string[] {
  return (sentences ?? []).flatMap((sentence) => ['', inText(sentence, places)]);
}

function entryLines({ head, values }: Entry, fields: readonly Said[], places: Places): readonly string[] {
  return [
    `- ${inText(head, places)}`,
    ...fields.flatMap((field, index) => {
      const lines = (values[index] ?? []).map((line) => inText(line, places));
      if (lines.length === 0) return [];
      if (lines.length === 1) return [`  - ${english(field)}: ${lines[0]}`];
      return [`  - ${english(field)}:`, ...lines.map((line) => `    - ${line}`)];
    }),
  ];
}

/** The fence is longer than any in the text. */
function fenced(text: string): readonly string[] {
  const shown = visible(text).replaceAll('\r', '');
  const longest = Math.max(2, ...Array.from(shown.matchAll(/`+/g), ([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return [fence, shown, fence];
}

function tableLines(columns: readonly Column[], rows: readonly Row[], places: Places): readonly string[] {
  const head = columns.map(headText);
  const body = rows.flatMap(({ cells, group }) => [
    ...(group === undefined ? [] : [[`**${inText(group.text, places)}**`]]),
    cells.flatMap((cell) => cellTexts(cell, places)),
  ]);
  const widths = head.map((title, index) =>
    Math.min(paddedWidthMax, Math.max(3, width(title), ...body.map((cells) => width(cells[index] ?? '')))),
  );
  const isRight = (index: number): boolean => columns[index]?.isNumeric === true;
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((wide, index) => padded(cells[index] ?? '', wide, isRight(index))).join(' | ')} |`;
  const rule = widths.map((wide, index) => (isRight(index) ? `${'-'.repeat(wide - 1)}:` : '-'.repeat(wide)));
  return [line(head), `| ${rule.join(' | ')} |`, ...body.map(line)];
}

function headText({ title, unit, group }: Column): string {
  return escaped(
    `${group === undefined ? '' : `${group.en}: `}${textOf(title)}${unit === undefined ? '' : ` (${textOf(unit)})`}`,
  );
}

/** A cell that spans several columns is written in the first of them. */
function cellTexts(cell: Cell, places: Places): readonly string[] {
  const text = linesOf(cell)
    .map((line) => inText(line, places))
    .join('<br>');
  const more = isLines(cell) ? (cell.span ?? 1) - 1 : 0;
  return [text, ...Array.from({ length: more }, () => '')];
}

function padded(text: string, wide: number, isRight: boolean): string {
  const fill = ' '.repeat(Math.max(0, wide - width(text)));
  return isRight ? fill + text : text + fill;
}

function width(text: string): number {
  return Array.from(text).length;
}

// ------------------------------------------------------------------------------------------------ text

function inText(text: Text, places: Places): string {
  return inlines(text)
    .map((inline) => inlineText(inline, places))
    .join('')
    .trim();
}

function inlineText(inline: Inline, places: Places): string {
  if (isSaid(inline)) return english(inline);
  switch (inline.kind) {
    case 'name':
    case 'quote':
      return english(inline);
    case 'strong': {
      const text = textOf(inline.text).trim();
      return text === '' ? '' : `**${escaped(text)}**`;
    }
    case 'quiet':
      return english(inline.text);
    case 'code':
      return codeSpan(inline.text);
    case 'link': {
      const place = places.get(inline.to);
      return place === undefined ? english(inline.text) : `[${english(inline.text)}](#${place})`;
    }
    case 'source':
      return isAddress(inline.text) ? `<${inline.text}>` : escaped(inline.text);
    case 'mark':
      // No link: a matrix of links cannot be read as it is, and the row's name has one.
      return `${inline.mark} ${english(inline.word)}`;
    case 'system':
      return escaped(inline.id);
    case 'figure':
      return `${inline.value}${inline.isThin ? '†' : ''}${inline.interval === null ? '' : ` [${inline.interval}]`}`;
  }
}

function textOf(words: Words): string {
  return isSaid(words) ? words.en : words.text;
}

function english(words: Words): string {
  return escaped(textOf(words));
}

/** As text where a code span could be left or would split a cell. */
function codeSpan(text: string): string {
  return /^[^`|\\\s](?:[^`|\\\n\r\t]*[^`|\\\s])?$/.test(text) ? `\`${visible(text)}\`` : escaped(text);
}

/** Nothing in it that ends an autolink or a cell. */
function isAddress(text: string): boolean {
  return /^https?:\/\/[\w.~:/?#@!$&'()*+,;=%-]+$/.test(text);
}

/**
 * One line, in which nothing is Markdown: entities for angle brackets, since not every renderer takes a backslash before them;
 * underscores only where they could begin or end an emphasis, so that names stay readable.
 */
export function escaped(text: string): string {
  return visible(text)
    .replace(/\s*[\n\r]\s*/g, ' ')
    .replaceAll('\t', ' ')
    .replace(/[\\`*[\]|~]/g, String.raw`\$&`)
    .replace(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, String.raw`\_`)
    .replace(/&(?=#?\w+;)/g, '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/^(\s*)([#+=-])/, String.raw`$1\$2`)
    .replace(/^(\s*\d+)([.)])(?=\s|$)/, String.raw`$1\$2`);
}
