/** The adapters' public door: open a port, and the words to talk to it. */

export * from './capabilities.ts';
export { definitionRevision } from './definitions.ts';
export { type ErrorCode, errorCodes, type FieldProblem, PortError } from './errors.ts';
export { limits } from './limits.ts';
export type * from './driver.ts';
export { type OpenPortOptions, openPort, portFromDriver } from './open-port.ts';
export type * from './port.ts';
export { settleStatuses } from './port.ts';
export { backendNames, type BackendName } from './registry.ts';
export { spanContextOf, traceContextOf } from './trace-context.ts';
export { messageBytes } from './log-codec.ts';
export type { TracerProvider } from './tracing.ts';
export { defaultDeadLetterTopic } from './validate.ts';
export { systemCapabilities, type SystemName, systemNames } from './systems.ts';
