/**
 * The report as a document without a format and without a language: sections of blocks that say what they are, and words in every
 * language. HTML and Markdown are both made from it, so that they have the same facts in the same order, and each escapes in one place.
 */

import type { Language, Said } from './language.ts';
import type { Markup } from './markup.ts';

/** How an answer is to be taken at a glance; every renderer shows it by words too, never by colour alone. */
export type Tone = 'good' | 'part' | 'bad' | 'open' | 'none';

/** Names, figures, units and signs: the same in every language, and read from left to right. */
export interface Name {
  readonly kind: 'name';
  readonly text: string;
}

/** A sentence that the run wrote, in English. It is shown in the reader's language where it is known in it (phrases/). */
export interface Quote {
  readonly kind: 'quote';
  readonly text: string;
}

/** There is no plain string: a text is said in every language, or it is a name, or it is quoted. */
export type Words = Said | Name | Quote;

export type Inline =
  | Words
  | { readonly kind: 'strong' | 'quiet'; readonly text: Words }
  | { readonly kind: 'code'; readonly text: string }
  /** To a place of this document. */
  | { readonly kind: 'link'; readonly to: string; readonly text: Words }
  /** Where something is written: a link if it is an address. */
  | { readonly kind: 'source'; readonly text: string }
  | { readonly kind: 'mark'; readonly tone: Tone; readonly mark: string; readonly word: Said; readonly to?: string }
  | { readonly kind: 'system'; readonly id: string }
  | {
      readonly kind: 'figure';
      readonly value: string;
      readonly interval: string | null;
      /** Rests on too few samples to say more than the maximum does. */
      readonly isThin: boolean;
    };

export type Text = Inline | readonly Inline[];

/** Lines one below the other; `span` columns wide. */
export interface Lines {
  readonly lines: readonly Text[];
  readonly span?: number;
  readonly tone?: Tone;
}

export type Cell = Text | Lines;

export interface Column {
  readonly title: Words;
  readonly unit?: Words;
  readonly isNumeric?: boolean;
  /** Neighbours with the same group have one head above them. */
  readonly group?: Said;
}

export interface Row {
  readonly id?: string;
  /** The first is the row's name. */
  readonly cells: readonly Cell[];
  /** Something else begins here: a line above it. */
  readonly isApart?: boolean;
  /** A group begins here: what its rows have in common stands above them, in a row of its own. */
  readonly group?: { readonly id?: string; readonly text: Text };
}

export interface Entry {
  readonly id?: string;
  readonly head: Text;
  /** For each field its lines; none: the field is left out. */
  readonly values: readonly (readonly Text[])[];
}

export interface Panel {
  readonly label: Said;
  readonly chart: (language: Language) => Markup;
}

export type Block =
  | { readonly kind: 'paragraph'; readonly text: Text; readonly look?: 'lead' | 'quiet' }
  /** A key says what marks mean, in one line where there is room. */
  | { readonly kind: 'list'; readonly items: readonly Text[]; readonly look?: 'key' }
  | {
      readonly kind: 'table';
      readonly id: string;
      readonly caption: Said;
      readonly columns: readonly Column[];
      readonly rows: readonly Row[];
      /** Matrix: words and marks; prose: sentences; dense: many figures that are looked up rather than read. */
      readonly look?: 'matrix' | 'prose' | 'dense';
      /** Sentences below the table. */
      readonly notes?: readonly Text[];
    }
  | {
      readonly kind: 'entries';
      readonly id: string;
      readonly caption: Said;
      /** Name of what each entry's head is. */
      readonly head: Said;
      readonly fields: readonly Said[];
      readonly entries: readonly Entry[];
      readonly look: 'cards' | 'table';
    }
  /** Panels are apart because what they show must not be compared on one axis. Their figures stand in a table beside them. */
  | {
      readonly kind: 'charts';
      readonly caption: Said;
      readonly systems: readonly string[];
      /** Wide ones have long words in them. */
      readonly width: 'narrow' | 'wide';
      readonly panels: readonly Panel[];
    }
  | { readonly kind: 'facts'; readonly facts: readonly { readonly name: Said; readonly lines: readonly Text[] }[] }
  | { readonly kind: 'code'; readonly text: string };

/** Below a section's own blocks; has a heading. */
export interface Part {
  readonly id: string;
  readonly title: Words | readonly Words[];
  readonly blocks: readonly Block[];
}

export interface Section extends Part {
  readonly parts: readonly Part[];
}

export interface ReportDocument {
  readonly title: Said;
  /** One line below the title. */
  readonly byline: readonly Text[];
  readonly sections: readonly Section[];
}

export function name(text: string): Name {
  return { kind: 'name', text };
}

export function quote(text: string): Quote {
  return { kind: 'quote', text };
}

export function strong(text: Words): Inline {
  return { kind: 'strong', text };
}

export function quiet(text: Words): Inline {
  return { kind: 'quiet', text };
}

export function code(text: string): Inline {
  return { kind: 'code', text };
}

export function link(to: string, text: Words): Inline {
  return { kind: 'link', to, text };
}

/** Between words, and where there is nothing to say. */
export const space: Name = name(' ');
export const colon: Said = { en: ': ', ar: ': ' };
export const comma: Said = { en: ', ', ar: '، ' };
export const semicolon: Said = { en: '; ', ar: '؛ ' };
export const nothing: Inline = { kind: 'quiet', text: name('–') };

/** With a comma in between. */
export function inARow(parts: readonly Inline[]): readonly Inline[] {
  return parts.flatMap((part, index) => (index === 0 ? [part] : [comma, part]));
}

export function systemName(id: string): Inline {
  return { kind: 'system', id };
}

/** `kafka bare`. */
export function cellName({ system, layer }: { readonly system: string; readonly layer: string }): readonly Inline[] {
  return [systemName(system), quiet(name(` ${layer}`))];
}

export function paragraph(text: Text, look?: 'lead' | 'quiet'): Block {
  return look === undefined ? { kind: 'paragraph', text } : { kind: 'paragraph', text, look };
}

export function inlines(text: Text): readonly Inline[] {
  return isList(text) ? text : [text];
}

export function isLines(cell: Cell): cell is Lines {
  return 'lines' in cell;
}

export function linesOf(cell: Cell): readonly Text[] {
  return isLines(cell) ? cell.lines : [cell];
}

export function isSaid(inline: Inline): inline is Said {
  return 'ar' in inline;
}

function isList(text: Text): text is readonly Inline[] {
  return Array.isArray(text);
}
