/** Statistics: pure. */

export { type Effect, effectOf, noiseOf } from './effect.ts';
export { LatencyHistogram } from './histogram.ts';
export { cliffsDelta, holmAdjusted, leastPValue, rankTest } from './rank-test.ts';
export { isGrowing, trendOf } from './trend.ts';
export {
  type Comparison,
  compareSpreads,
  leastNoiseFloor,
  median,
  rounded,
  singleRepeatFloor,
  spreadOf,
} from './spread.ts';
