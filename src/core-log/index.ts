/** The embedded log: `openEngine` and the words of its door. */

export { type DamageLocation, EngineError, type EngineErrorCode, engineErrors } from './errors.ts';
export { limits as logLimits } from './limits.ts';
export type { EngineOptions } from './options.ts';
export type { Clock, Timer } from './platform/clock.ts';
export {
  type DirectoryLock,
  type File,
  type FileStatus,
  type FileSystem,
  systemFileSystem,
} from './platform/file-system.ts';
export type { Random } from './platform/random.ts';
export { openEngine } from './broker/engine.ts';
export type * from './types.ts';
export * from './maintenance/index.ts';
