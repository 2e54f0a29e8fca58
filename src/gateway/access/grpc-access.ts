/** Access control at the door of gRPC: the metadata says who, the request message says what about. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metadata, ServerDuplexStream, ServerUnaryCall, ServiceDefinition } from '@grpc/grpc-js';
import type { PeerCertificate } from 'node:tls';
import type { Access } from './access.ts';
import type { Caller } from './caller.ts';
import { requirementOf } from './required-scopes.ts';

type Call = ServerUnaryCall<never, never> | ServerDuplexStream<never, never>;

/** At once, unless a token must be verified. @throws PortError `unauthenticated`, `access_unavailable` or `quota_exceeded` */
export function callerOfCall(access: Access, call: Call): Caller | Promise<Caller> {
  const { metadata } = call;
  const found = access.authenticate({
    authorization: textOf(metadata, 'authorization'),
    apiKey: textOf(metadata, 'x-api-key'),
    certificate: () => call.getAuthContext().sslPeerCertificate as PeerCertificate | undefined,
  });
  return found instanceof Promise ? found.then(charged) : charged(found);
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
