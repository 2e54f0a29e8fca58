/** The door of `faults`: what can be done to the way between a client and a broker. */

export { CutNetwork } from './cut-network.ts';
export { type Direction, TcpProxy } from './tcp-proxy.ts';
