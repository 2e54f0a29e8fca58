/** Workloads: pure descriptions of load. No files, timers or ports. */

export * from './catalogue.ts';
export { keepsUp, type ReaderSpec, useIds } from './uses.ts';
export { PayloadCodec, payloadBytesMin } from './payload.ts';
export { hashOfPlans, type Plan, planFromMessages, planFromSpec } from './plan.ts';
export { deriveSeed, seededRandom, shuffled } from './random.ts';
