/** Looking after data directories: what is in one, whether it is whole, what a batch holds, and a damaged partition made writable again. */

export { type DumpEntry, type DumpOptions, dumpLog } from './dump.ts';
export {
  inspectLog,
  type CursorSight,
  type DirectorySight,
  type InspectOptions,
  type PartitionSight,
} from './inspect.ts';
export { type PartitionRepair, type RepairOptions, type RepairReport, repairLog } from './repair.ts';
export { type Problem, type VerifyReport, verifyLog } from './verify.ts';
