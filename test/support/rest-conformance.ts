/** The conformance suite through HTTP: a gateway on a free port over a port of one's own. */

import { afterAll, beforeAll, describe, it } from 'vitest';
import type { MessagingPort } from '../../src/adapters/port.ts';
import { conformance, type ConformanceOptions } from '../../src/conformance/index.ts';
import { type Gateway, startGateway } from '../../src/gateway/index.ts';
import { openRestPort } from './rest-port.ts';

/** JSON has no place between two values of one name. */
const restCannot = {
  'headers: a header that repeats with others in between keeps its place':
    'REST carries headers as one JSON object, which groups the values of a name',
};

export function restConformance(options: Omit<ConformanceOptions, 'vitest' | 'nodeTest' | 'except'>): void {
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
    return await openRestPort(gateway.url, async () => await gateway.close());
  };
  const { open, openAnother } = options;
  conformance({
    ...options,
    open: async () => await throughGateway(await open()),
    ...(openAnother === undefined ? {} : { openAnother: async () => await throughGateway(await openAnother()) }),
    except: restCannot,
    vitest: { afterAll, beforeAll, describe, it },
  });
}
