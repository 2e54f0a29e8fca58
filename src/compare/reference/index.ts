/** Reference rows: the brokers' best clients, as Java programs of ours that do the same work. */

export { NoReference, openReferenceWire, type ReferenceTarget } from './reference-wire.ts';
