/** The .proto as the server uses it. Requests are decoded strictly; one that is not valid becomes an `Undecodable`. */

import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { loadSync, type MessageTypeDefinition, type PackageDefinition } from '@grpc/proto-loader';
import { PortError } from '../../adapters/index.ts';
import { protoDirectory, protoFile } from './proto-file.ts';
import { fieldProblems, type MessageDescriptor, messageRule } from './unknown-fields.ts';

const PACKAGE = 'sluice.v1';

/** What came in place of a request. A decoder that throws would be answered INTERNAL by the library. */
export class Undecodable {
  readonly error: PortError;

  constructor(error: PortError) {
    this.error = error;
  }
}

/** Fields that are absent on the wire are absent in the object: `types` of scripts/print-grpc-types.ts says the same. */
export function loadProto(): PackageDefinition {
  return loadSync(protoFile, { longs: Number, enums: String, includeDirs: [protoDirectory] });
}

/** With the names of the file, as reflection must tell them. */
export function loadProtoForReflection(): PackageDefinition {
  return loadSync(protoFile, { keepCase: true, includeDirs: [protoDirectory] });
}

export function strictService(proto: PackageDefinition, service: string): ServiceDefinition {
  const plain = proto[`${PACKAGE}.${service}`] as unknown as ServiceDefinition;
  const strict: Record<string, MethodDefinition<unknown, unknown>> = {};
  for (const [name, method] of Object.entries(plain)) {
    strict[name] = { ...method, requestDeserialize: strictDecoder(proto, method) };
  }
  return strict;
}

function strictDecoder(
  proto: PackageDefinition,
  method: MethodDefinition<unknown, unknown> & { readonly requestType?: MessageTypeDefinition<unknown, unknown> },
): (bytes: Buffer) => unknown {
  const descriptor = method.requestType?.type as MessageDescriptor;
  const rule = messageRule(descriptor, (name) => proto[`${PACKAGE}.${name}`]?.type as MessageDescriptor | undefined);
  const decode = method.requestDeserialize;
  return (bytes) => {
    const found = fieldProblems(bytes, rule);
    if (found !== undefined) {
      const [first] = found.problems;
      const more = found.problems.length > 1 ? ` (and ${found.problems.length - 1} more)` : '';
      return new Undecodable(
        new PortError(
          found.isUnknown ? 'unknown_field' : 'invalid_argument',
          `request: ${first?.path} ${first?.message}${more}`,
          { errors: found.problems },
        ),
      );
    }
    try {
      return decode(bytes);
    } catch (cause) {
      const why = (cause as Error).message;
      return new Undecodable(
        new PortError('invalid_argument', `the request is no ${descriptor.name}: ${why}`, { cause }),
      );
    }
  };
}
