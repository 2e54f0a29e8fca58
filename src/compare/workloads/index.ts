/** Workloads: pure descriptions of load. No files, timers or ports. */

export * from './catalogue.ts';
export { isWithoutConsumers, type PartWindow, partWindows } from './course.ts';
export { confirmedShare, ladderHash, type LadderSpec, rungRate } from './ladder.ts';
export { keepsUp, type ReaderSpec, useIds } from './uses.ts';
export { codecRunOf, PayloadCodec, payloadBytesMin } from './payload.ts';
export { hashOfPlans, type Plan, planFromMessages, planFromSpec } from './plan.ts';
export { deriveSeed, seededRandom, shuffled } from './random.ts';
