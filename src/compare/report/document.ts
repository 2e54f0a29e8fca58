/**
 * The report as a document without a format: sections of blocks that say what they are. HTML and Markdown are both made from
 * it, so that they have the same facts in the same order, and each escapes in one place.
 */

import type { Markup } from './markup.ts';

/** How an answer is to be taken at a glance; every renderer shows it by words too, never by colour alone. */
export type Tone = 'good' | 'part' | 'bad' | 'open' | 'none';

export type Inline =
  | string
  | { readonly kind: 'strong' | 'quiet' | 'code'; readonly text: string }
  /** To a place of this document. */
  | { readonly kind: 'link'; readonly to: string; readonly text: string }
  /** Where something is written: a link if it is an address. */
  | { readonly kind: 'source'; readonly text: string }
  | { readonly kind: 'mark'; readonly tone: Tone; readonly mark: string; readonly word: string; readonly to?: string }
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
  readonly title: string;
  readonly unit?: string;
  readonly isNumeric?: boolean;
  /** Neighbours with the same group have one head above them. */
  readonly group?: string;
}

export interface Row {
  readonly id?: string;
  /** The first is the row's name. */
  readonly cells: readonly Cell[];
  /** Something else begins here: a line above it. */
  readonly isApart?: boolean;
}

export interface Entry {
  readonly id?: string;
  readonly head: Text;
  /** For each field its lines; none: the field is left out. */
  readonly values: readonly (readonly Text[])[];
}

export interface Panel {
  readonly label: string;
  readonly chart: Markup;
}

export type Block =
  | { readonly kind: 'paragraph'; readonly text: Text; readonly look?: 'lead' | 'quiet' }
  /** A key says what marks mean, in one line where there is room. */
  | { readonly kind: 'list'; readonly items: readonly Text[]; readonly look?: 'key' }
  | {
      readonly kind: 'table';
      readonly id: string;
      readonly caption: string;
      readonly columns: readonly Column[];
      readonly rows: readonly Row[];
      /** Matrix: words and marks; prose: sentences; dense: many figures that are looked up rather than read. */
      readonly look?: 'matrix' | 'prose' | 'dense';
      /** Sentences below the table. */
      readonly notes?: readonly string[];
    }
  | {
      readonly kind: 'entries';
      readonly id: string;
      readonly caption: string;
      /** Name of what each entry's head is. */
      readonly head: string;
      readonly fields: readonly string[];
      readonly entries: readonly Entry[];
      readonly look: 'cards' | 'table';
    }
  /** Panels are apart because what they show must not be compared on one axis. Their figures stand in a table beside them. */
  | {
      readonly kind: 'charts';
      readonly caption: string;
      readonly systems: readonly string[];
      /** Wide ones have long words in them. */
      readonly width: 'narrow' | 'wide';
      readonly panels: readonly Panel[];
    }
  | { readonly kind: 'facts'; readonly facts: readonly { readonly name: string; readonly lines: readonly Text[] }[] }
  | { readonly kind: 'code'; readonly text: string };

/** Below a section's own blocks; has a heading. */
export interface Part {
  readonly id: string;
  readonly title: string;
  readonly blocks: readonly Block[];
}

export interface Section extends Part {
  readonly parts: readonly Part[];
}

export interface ReportDocument {
  readonly title: string;
  /** One line below the title. */
  readonly byline: readonly Text[];
  readonly sections: readonly Section[];
}

export function strong(text: string): Inline {
  return { kind: 'strong', text };
}

export function quiet(text: string): Inline {
  return { kind: 'quiet', text };
}

export function code(text: string): Inline {
  return { kind: 'code', text };
}

export function link(to: string, text: string): Inline {
  return { kind: 'link', to, text };
}

export function systemName(id: string): Inline {
  return { kind: 'system', id };
}

export function paragraph(text: Text, look?: 'lead' | 'quiet'): Block {
  return look === undefined ? { kind: 'paragraph', text } : { kind: 'paragraph', text, look };
}

export function inlines(text: Text): readonly Inline[] {
  return isList(text) ? text : [text];
}

export function isLines(cell: Cell): cell is Lines {
  return typeof cell === 'object' && 'lines' in cell;
}

export function linesOf(cell: Cell): readonly Text[] {
  return isLines(cell) ? cell.lines : [cell];
}

function isList(text: Text): text is readonly Inline[] {
  return Array.isArray(text);
}
