/** A wire in a process of its own: what a scenario can kill. */

export { openProcessWire, type ProcessWire } from './process-wire.ts';
export { openTarget, type RemoteTarget } from './target.ts';
