/**
 * One row of the phrase book: English as a run writes it, and the same in Arabic. A hole `{name}` takes a name, a figure or a list of
 * them and is put into the Arabic as it is; `{name*}` takes words that are looked up in turn. Where holes alone would take too much,
 * the English is a pattern with named groups.
 */
export type Phrase = readonly [english: string | RegExp, arabic: string];
