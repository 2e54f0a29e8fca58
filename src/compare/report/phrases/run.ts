import type { Phrase } from './phrase.ts';
export const runPhrases: readonly Phrase[] = [];
