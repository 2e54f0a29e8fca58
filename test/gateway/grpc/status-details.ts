/** grpc-status-details-bin as any client reads it: by the definitions of google.rpc, with a decoder that is not ours. */

import { loadFileDescriptorSetFromObject } from '@grpc/proto-loader';

const TEXT = 'TYPE_STRING';
const BYTES = 'TYPE_BYTES';
const INT = 'TYPE_INT64';
const MESSAGE = 'TYPE_MESSAGE';

const rpc = loadFileDescriptorSetFromObject(
  {
    file: [
      {
        name: 'rpc.proto',
        package: 'rpc',
        syntax: 'proto3',
        messageType: [
          message('Any', one('typeUrl', 1, TEXT), one('value', 2, BYTES)),
          message('Status', one('code', 1, INT), one('message', 2, TEXT), many('details', 3, '.rpc.Any')),
          message('Entry', one('key', 1, TEXT), one('value', 2, TEXT)),
          message('ErrorInfo', one('reason', 1, TEXT), one('domain', 2, TEXT), many('metadata', 3, '.rpc.Entry')),
          message('Violation', one('field', 1, TEXT), one('description', 2, TEXT)),
          message('BadRequest', many('fieldViolations', 1, '.rpc.Violation')),
          message('Duration', one('seconds', 1, INT), one('nanos', 2, INT)),
          message('RetryInfo', { ...one('retryDelay', 1, MESSAGE), typeName: '.rpc.Duration' }),
        ],
      },
    ],
  },
  { longs: Number, defaults: true, arrays: true },
);

interface Details {
  readonly reason: string;
  readonly domain: string;
  readonly about: Readonly<Record<string, string>>;
  readonly fields: readonly { readonly path: string; readonly message: string }[];
  readonly retryDelayMs: number | undefined;
}

export function statusDetails(bytes: Buffer): Details & { readonly code: number; readonly message: string } {
  const { code, message: text, details } = decoded('Status', bytes);
  const found: { -readonly [K in keyof Details]: Details[K] } = {
    reason: '',
    domain: '',
    about: {},
    fields: [],
    retryDelayMs: undefined,
  };
  for (const { typeUrl, value } of details) {
    const inner = decoded(typeUrl.replace('type.googleapis.com/google.rpc.', ''), value);
    if (typeUrl.endsWith('.ErrorInfo')) {
      found.reason = inner.reason;
      found.domain = inner.domain;
      found.about = Object.fromEntries(inner.metadata.map(({ key, value: of }: never) => [key, of]));
    } else if (typeUrl.endsWith('.BadRequest')) {
      found.fields = inner.fieldViolations.map(({ field, description }: never) => ({
        path: field,
        message: description,
      }));
    } else if (typeUrl.endsWith('.RetryInfo')) {
      found.retryDelayMs = inner.retryDelay.seconds * 1_000 + inner.retryDelay.nanos / 1_000_000;
    } else throw new Error(`unexpected detail ${typeUrl}`);
  }
  return { code, message: text, ...found };
}

function decoded(name: string, bytes: Buffer): ReturnType<typeof JSON.parse> {
  const definition = rpc[`rpc.${name}`] as unknown as { deserialize(bytes: Buffer): unknown } | undefined;
  if (definition === undefined) throw new Error(`no message ${name}`);
  return definition.deserialize(bytes);
}

function message(name: string, ...field: object[]) {
  return { name, field };
}

function one(name: string, number: number, type: string) {
  return { name, number, type, label: 'LABEL_OPTIONAL' };
}

function many(name: string, number: number, typeName: string) {
  return { name, number, type: MESSAGE, label: 'LABEL_REPEATED', typeName };
}
