/** From needs to a system, each step citing a cell: `sluice recommend`. Pure. */

export { decideAdvice, type Load } from './decide.ts';
export { type Rule, rules } from './rules.ts';
export { adviceText } from './text.ts';
