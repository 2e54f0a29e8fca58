/** The package's main door: open a port on any backend, or start the gateway over one. */

export * from './adapters/index.ts';
export * from './gateway/index.ts';
