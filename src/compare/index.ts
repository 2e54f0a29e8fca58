/** The comparison's door. */

export { AssertionSyntaxError, parseAssertion } from './conclusions/assertions.ts';
export type { Report } from './report/model.ts';
export { journalName, ResumeError, readJournal } from './run/journal.ts';
export { namesOfRun, type PlannedWorkload } from './run/plan.ts';
export type { CompareOptions, RunState } from './run/compare-options.ts';
export { RemoteRefused } from './run/brokers.ts';
export { compare } from './run/runner.ts';
export { scenarios } from './scenarios/index.ts';
export {
  isReferenceName,
  isSystemName,
  namesOn,
  referenceNames,
  type SystemId,
  systemIds,
  variantNames,
} from './systems/system-ids.ts';
export { SystemMissing } from './systems/systems.ts';
export { readWorkload, WorkloadFileError } from './workload-file.ts';
export {
  planFromMessages,
  primaryRepeatsOf,
  repeatsOf,
  traceWorkload,
  workloadIds,
  workloadsOf,
} from './workloads/index.ts';
