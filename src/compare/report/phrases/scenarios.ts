import type { Phrase } from './phrase.ts';
export const scenarioPhrases: readonly Phrase[] = [];
