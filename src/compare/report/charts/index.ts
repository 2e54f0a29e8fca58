/** Charts as SVG, from figures to markup: pure. */

export { type Bar, barChart, largestOf } from './bars.ts';
export { type FanOutCurve, fanOutChart } from './fan-out.ts';
export { type ForestRow, forestChart, forestScale, timesBetter } from './forest.ts';
export { latencyLoadChart, loadScales } from './latency-load.ts';
export { type LatencyCurve, latencyCurve, latencySpectrum, spectrumScales } from './latency-spectrum.ts';
export { legend, systemClass } from './look.ts';
