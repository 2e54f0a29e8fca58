/** Traces: real traffic as JSONL, made from logs and replayed against every system. */

export { TraceError, traceErrorCodes } from './errors.ts';
export { type TraceFromLogOptions, traceFromLog } from './log-file.ts';
export { logFormats } from './log-formats.ts';
export { readTrace } from './read-trace.ts';
export { recordTrace } from './record.ts';
