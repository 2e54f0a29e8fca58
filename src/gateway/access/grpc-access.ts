/** Access control at the door of gRPC: the metadata says who, the request message says what about. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metadata, ServiceDefinition } from '@grpc/grpc-js';
import type { PeerCertificate } from 'node:tls';
import type { Access } from './access.ts';
import type { Caller } from './caller.ts';
import { requirementOf } from './required-scopes.ts';

const callers = new WeakMap<Metadata, Caller>();

/** At once, unless a token must be verified. @throws PortError `unauthenticated`, `access_unavailable` or `quota_exceeded` */
export function authenticateCall(
  access: Access,
  metadata: Metadata,
  authContext: () => { readonly sslPeerCertificate?: PeerCertificate },
): Caller | Promise<Caller> {
  const found = access.authenticate({
    authorization: textOf(metadata, 'authorization'),
    apiKey: textOf(metadata, 'x-api-key'),
    certificate: () => authContext().sslPeerCertificate,
  });
  return found instanceof Promise ? found.then(charged) : charged(found);
}

/** Whose call it is, for its handler. */
export function noteCaller(metadata: Metadata, caller: Caller): void {
  callers.set(metadata, caller);
}

/** Of a call that was let in. */
export function callerOfCall({ metadata }: { readonly metadata: Metadata }): Caller {
  const caller = callers.get(metadata);
  if (caller === undefined) throw new Error('a call came to its handler without a caller');
  return caller;
}

function charged(caller: Caller): Caller {
  caller.charge({ requests: 1 });
  return caller;
}

/** Two fields of one name are two credentials, of which no one knows which was meant. */
function textOf(metadata: Metadata, name: string): string | undefined {
  const values = metadata.get(name);
  if (values.length === 0) return undefined;
  return values.length === 1 ? String(values[0]) : '';
}

/** Every RPC of ours, as the .proto has it: read as text, so that the start need not load the library. */
export function rpcNames(protoPath: string): readonly string[] {
  const names: string[] = [];
  let service = '';
  for (const [, begun, rpc] of readFileSync(protoPath, 'utf8').matchAll(/^service (\w+)|^\s+rpc (\w+)\(/gm)) {
    if (begun !== undefined) service = begun;
    else names.push(`${service}/${rpc}`);
  }
  return names;
}

/** @throws Error for an RPC that is not in the table of required scopes. */
export function checkRpcs(directory: string, file: string): void {
  for (const name of rpcNames(join(directory, file))) requirementOf(name);
}

/** The same of services that are not ours. They are all open, so the table is the only thing that says so. */
export function checkService(service: ServiceDefinition): void {
  for (const { path } of Object.values(service)) {
    if (requirementOf(path.slice(1)).kind !== 'open') throw new Error(`${path} is not open, and nothing guards it`);
  }
}
