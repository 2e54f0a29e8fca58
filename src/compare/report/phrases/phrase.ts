/** One row of the phrase book: English as a run writes it, with `{holes}`, and Arabic with the same holes. */
export type Phrase = readonly [english: string, arabic: string];
