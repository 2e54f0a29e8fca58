import type { Phrase } from './phrase.ts';
export const claimPhrases: readonly Phrase[] = [];
