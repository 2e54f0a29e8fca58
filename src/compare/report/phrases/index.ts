/**
 * The Arabic of what a run writes: report.json is English and stays the truth, so its sentences are looked up here when the page is
 * made. A phrase is an English sentence with holes and the same sentence in Arabic with the same holes. What is not in the book is
 * shown in English, marked as such: never a guess.
 */

import type { Said } from '../language.ts';
import { claimPhrases } from './claims.ts';
import { runPhrases } from './run.ts';
import { scenarioPhrases } from './scenarios.ts';

export type { Phrase } from './phrase.ts';
import type { Phrase } from './phrase.ts';

export interface Piece {
  readonly text: string;
  readonly isArabic: boolean;
}

/** The whole sentence in Arabic, or null. */
export function arabicOf(english: string): string | null {
  const known = memory.get(english);
  if (known !== undefined) return known;
  const found = wholeOf(english) ?? partsOf(english);
  if (memory.size >= memoryMax) memory.clear();
  memory.set(english, found);
  return found;
}

/** As it can be shown: in Arabic, in English, or some sentences of it in each. */
export function piecesOf(english: string): readonly Piece[] {
  const whole = arabicOf(english);
  if (whole !== null) return [{ text: whole, isArabic: true }];
  const parts = english.split(sentenceEnd);
  const translated = parts.map((part) => ({ part, arabic: arabicOf(part.replace(/\.$/, '')) }));
  if (translated.every(({ arabic }) => arabic === null)) return [{ text: english, isArabic: false }];
  return translated.map(({ part, arabic }) => ({
    text: arabic === null ? part : `${arabic}${part.endsWith('.') ? '.' : ''}`,
    isArabic: arabic !== null,
  }));
}

/** For places that hold one sentence: English where there is no Arabic. */
export function phraseOf(english: string): Said {
  return { en: english, ar: arabicOf(english) ?? english };
}

// ------------------------------------------------------------------------------------------------ looking up

/** A report has some thousands of different sentences. */
const memoryMax = 20_000;
const memory = new Map<string, string | null>();
const sentenceEnd = /(?<=[a-z0-9)]\.) (?=[A-Z])/;
/** Clauses in a clause: scopes are lists of conditions. */
const depthMax = 4;

interface Compiled {
  readonly begin: string;
  readonly end: string;
  readonly pattern: RegExp;
  readonly holes: readonly string[];
  readonly arabic: string;
}

const fixed = new Map<string, string>();
const open: Compiled[] = [];
for (const [english, arabic] of [...claimPhrases, ...runPhrases, ...scenarioPhrases]) {
  if (english.includes('{')) open.push(compiled([english, arabic]));
  else fixed.set(english, arabic);
}

/** `{name}` is put into the Arabic as it is, `{name*}` is looked up first. */
function compiled([english, arabic]: Phrase): Compiled {
  const holes = Array.from(english.matchAll(/\{(\w+\*?)\}/g), ([, hole = '']) => hole);
  const literals = english.split(/\{\w+\*?\}/);
  const pattern = literals.map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)).join('(.+?)');
  return {
    begin: literals[0] ?? '',
    end: literals.at(-1) ?? '',
    pattern: new RegExp(`^${pattern}$`, 's'),
    holes,
    arabic,
  };
}

function wholeOf(english: string, depth = 0): string | null {
  const same = fixed.get(english);
  if (same !== undefined) return same;
  for (const { begin, end, pattern, holes, arabic } of open) {
    if (!english.startsWith(begin) || !english.endsWith(end)) continue;
    const match = pattern.exec(english);
    if (match === null) continue;
    const values = new Map(holes.map((hole, index) => [hole, match[index + 1] ?? '']));
    const filled = fill(arabic, values, depth);
    if (filled !== null) return filled;
  }
  return null;
}

/** null where a hole that must be looked up has no Arabic: then another phrase may fit. */
function fill(arabic: string, values: ReadonlyMap<string, string>, depth: number): string | null {
  let isWhole = true;
  const text = arabic.replace(/\{(\w+\*?)\}/g, (_, hole: string) => {
    const value = values.get(hole) ?? '';
    if (!hole.endsWith('*')) return value;
    const inner = depth >= depthMax ? null : (wholeOf(value, depth + 1) ?? partsOf(value, depth + 1));
    if (inner === null) isWhole = false;
    return inner ?? '';
  });
  return isWhole ? text : null;
}

/** Sentence by sentence, and in a sentence clause by clause; null unless all of them are known. */
function partsOf(english: string, depth = 0): string | null {
  if (depth >= depthMax) return null;
  for (const { split, join } of joints) {
    const parts = english.split(split);
    if (parts.length < 2) continue;
    const translated = parts.map((part) => wholeOf(part, depth + 1) ?? partsOf(part, depth + 1));
    if (translated.every((part) => part !== null)) return translated.join(join);
  }
  return english.endsWith('.') ? withStop(wholeOf(english.slice(0, -1), depth + 1)) : null;
}

const joints = [
  { split: sentenceEnd, join: ' ' },
  { split: '; ', join: '؛ ' },
] as const;

function withStop(text: string | null): string | null {
  return text === null ? null : `${text}.`;
}
