/** Workloads: pure descriptions of load. No files, timers or ports. */

export * from './catalogue.ts';
export { PayloadCodec, type PayloadHeader, payloadBytesMin } from './payload.ts';
export { hashOfPlans, type Plan, type PlannedMessage, planFromMessages, planFromSpec } from './plan.ts';
export { deriveSeed, type Random, seededRandom, shuffled } from './random.ts';
