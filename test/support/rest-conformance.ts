/** The conformance suite through REST or gRPC: a gateway on a free port over a port of one's own. */

import { afterAll, beforeAll, describe, it } from 'vitest';
import type { MessagingPort } from '../../src/adapters/port.ts';
import { conformance, type ConformanceOptions } from '../../src/conformance/index.ts';
import { type Gateway, startGateway } from '../../src/gateway/index.ts';
import { openGrpcPort } from './grpc-port.ts';
import { openRestPort } from './rest-port.ts';

/** JSON has no place between two values of one name. */
const restCannot = {
  'headers: a header that repeats with others in between keeps its place':
    'REST carries headers as one JSON object, which groups the values of a name',
};

/** Unknown numbers on the wire are in test/gateway/grpc/bad-input.test.ts. */
const grpcCannot = {
  'contract: unknown fields are unknown_field, values out of range invalid_argument: nothing is ignored':
    'a client made from the .proto has no way to send a field that is not in it',
};

export function restConformance(options: Omit<ConformanceOptions, 'vitest' | 'nodeTest' | 'except'>): void {
  gatewayConformance(
    options,
    restCannot,
    async (gateway) => await openRestPort(gateway.url, async () => await gateway.close()),
  );
}

/** The same through gRPC. */
export function grpcConformance(options: Omit<ConformanceOptions, 'vitest' | 'nodeTest' | 'except'>): void {
  gatewayConformance(
    options,
    grpcCannot,
    async (gateway) => await openGrpcPort(gateway, async () => await gateway.close()),
  );
}

function gatewayConformance(
  options: Omit<ConformanceOptions, 'vitest' | 'nodeTest' | 'except'>,
  except: NonNullable<ConformanceOptions['except']>,
  through: (gateway: Gateway) => Promise<MessagingPort>,
): void {
  const behind: { readonly gateway: Gateway; readonly port: MessagingPort }[] = [];
  afterAll(async () => {
    for (const { gateway, port } of behind) {
      await gateway.close();
      await port.close();
    }
  });
  const throughGateway = async (port: MessagingPort): Promise<MessagingPort> => {
    const gateway = await startGateway({ host: '127.0.0.1', port: 0 }, { port });
    behind.push({ gateway, port });
    return await through(gateway);
  };
  const { open, openAnother } = options;
  conformance({
    ...options,
    open: async () => await throughGateway(await open()),
    ...(openAnother === undefined ? {} : { openAnother: async () => await throughGateway(await openAnother()) }),
    except,
    vitest: { afterAll, beforeAll, describe, it },
  });
}
