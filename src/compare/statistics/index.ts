/** Statistics: pure. */

export { effectOf, noiseOf } from './effect.ts';
export { LatencyHistogram } from './histogram.ts';
export { type Comparison, compareSpreads, median, singleRepeatFloor, spreadOf } from './spread.ts';
