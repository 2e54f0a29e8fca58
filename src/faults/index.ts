/** The door of `faults`: what can be done to the way between a client and a broker, and to its files. */

export { CutNetwork } from './cut-network.ts';
export { type Direction, TcpProxy } from './tcp-proxy.ts';
export { cutFrom, flipBit, type Place, placesOf } from './damaged-file.ts';
export { CannotRecord, type Cut, recordFiles } from './power-cut.ts';
export { syncedLengths, type TraceStart } from './synced-length.ts';
