/** From needs to a system, each step citing a cell: `sluice recommend`. Pure. */

export { decideAdvice, type Load } from './decide.ts';
export { type Rule, rules } from './rules.ts';
export { decideUses, type Use, uses } from './uses.ts';
export { adviceText } from './text.ts';
