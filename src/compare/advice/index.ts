/** From needs to a system, each step citing a cell: `sluice recommend`. Pure. */

export { type Advice, decideAdvice, type Documented, type Load } from './decide.ts';
export { needs, type Rule, rules } from './rules.ts';
export { adviceText } from './text.ts';
