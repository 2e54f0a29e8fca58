/**
 * The Arabic of what a run writes: report.json is English and stays the truth, so its sentences are looked up here when the page is
 * made. A phrase is an English sentence with holes and the same sentence in Arabic with the same holes. What is not in the book is
 * shown in English, marked as such: never a guess.
 */

import type { Said } from '../language.ts';
import { claimPhrases } from './claims.ts';
import { runPhrases } from './run.ts';
import { scenarioPhrases } from './scenarios.ts';

export interface Piece {
  readonly text: string;
  readonly isArabic: boolean;
}

/** The whole sentence in Arabic, or null. */
export function arabicOf(english: string): string | null {
  const known = memory.get(english);
  if (known !== undefined) return known;
  const found = english.length > lengthMax ? null : (wholeOf(english) ?? partsOf(english));
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

/** Nothing that a run says in phrases is longer; what is longer came from elsewhere. */
const lengthMax = 10_000;
/** A report has some thousands of different sentences. */
const memoryMax = 20_000;
const memory = new Map<string, string | null>();
/** Sentences of a reason may begin with the name of a system or a workload. */
const sentenceEnd = /(?<=[a-z0-9)]\.) (?=[A-Z]|(?:rabbitmq|kafka|throughput|sustainable)\b)/;
/** A reason has sentences, these have clauses, these are lists, and what is in them has figures. */
const depthMax = 8;

interface Compiled {
  readonly begin: string;
  readonly end: string;
  readonly pattern: RegExp;
  readonly arabic: string;
}

const hole = /\{(\w+)\*?\}/g;
const fixed = new Map<string, string>();
const open: Compiled[] = [];
for (const [english, arabic] of [...claimPhrases, ...runPhrases, ...scenarioPhrases]) {
  if (typeof english === 'string' && !english.includes('{')) fixed.set(english, arabic);
  else open.push(compiled(english, arabic));
}

function compiled(english: string | RegExp, arabic: string): Compiled {
  if (english instanceof RegExp) return { begin: '', end: '', pattern: english, arabic };
  const literals = english.split(/\{\w+\*?\}/);
  const names = Array.from(english.matchAll(hole), ([, name = '']) => name);
  const pattern = literals
    .map((text, index) => {
      const literal = text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
      return index < names.length ? `${literal}(?<${names[index]}>.+?)` : literal;
    })
    .join('');
  return {
    begin: literals[0] ?? '',
    end: literals.at(-1) ?? '',
    pattern: new RegExp(`^${pattern}$`, 's'),
    arabic,
  };
}

function wholeOf(english: string, depth = 0): string | null {
  const same = fixed.get(english);
  if (same !== undefined) return same;
  for (const { begin, end, pattern, arabic } of open) {
    if (!english.startsWith(begin) || !english.endsWith(end)) continue;
    const values = pattern.exec(english);
    const filled = values === null ? null : fill(arabic, values.groups ?? {}, depth);
    if (filled !== null) return filled;
  }
  return null;
}

/** null where a hole has more in it than it may: then another phrase may fit. */
function fill(arabic: string, values: Readonly<Record<string, string>>, depth: number): string | null {
  // The full stop is the sentence's.
  let isWhole = !Object.values(values).some((value) => value.endsWith('.'));
  const text = arabic.replace(/\{(\w+)(\*?)\}/g, (_, name: string, isWords: string) => {
    const value = values[name] ?? '';
    const filled = isWords === '*' ? wordsIn(value, depth) : namesIn(value);
    if (filled === null) isWhole = false;
    return filled ?? '';
  });
  return isWhole ? text : null;
}

function wordsIn(value: string, depth: number): string | null {
  return depth >= depthMax ? null : (wholeOf(value, depth + 1) ?? partsOf(value, depth + 1));
}

/** Another sentence is no name. */
function namesIn(value: string): string | null {
  return /[.;:!?] /.test(value) ? null : value.replaceAll(', ', '، ');
}

/** Sentence by sentence, and in a sentence clause by clause; null unless all of them are known. */
function partsOf(english: string, depth = 0): string | null {
  if (depth >= depthMax) return null;
  for (const { split, join } of joints) {
    const parts = english.split(split);
    if (parts.length < 2) continue;
    const translated = parts.map((part) => wordsIn(part, depth));
    if (translated.every((part) => part !== null)) return translated.join(join);
  }
  return english.endsWith('.') ? withStop(wholeOf(english.slice(0, -1), depth + 1)) : null;
}

const joints = [
  { split: sentenceEnd, join: ' ' },
  { split: '; ', join: '؛ ' },
  { split: /, (?=(?:rabbitmq|kafka|log)\b)/, join: '، ' },
  { split: ', ', join: '، ' },
] as const;

function withStop(text: string | null): string | null {
  return text === null ? null : `${text}.`;
}
