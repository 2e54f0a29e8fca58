/** Traces: real traffic as JSONL, made from logs and replayed against every system. */

export { TraceError, type TraceErrorCode, traceErrorCodes } from './errors.ts';
export type { FromLogSummary, TraceLine } from './from-log.ts';
export { type TraceFromLogOptions, traceFromLog } from './log-file.ts';
export { logFormats } from './log-formats.ts';
export { readTrace, type TraceMessage } from './read-trace.ts';
