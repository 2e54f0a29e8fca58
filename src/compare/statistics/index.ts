/** Statistics: pure. */

export { LatencyHistogram } from './histogram.ts';
export { type Comparison, compareSpreads, median, spreadOf } from './spread.ts';
