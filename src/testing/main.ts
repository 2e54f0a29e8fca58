/** Composition root: REST over a test broker. The one file here that knows the gateway; loaded when a test asks for REST. */

import type { MessagingPort } from '../adapters/port.ts';
import { startGateway } from '../gateway/index.ts';

export interface RestDoor {
  readonly url: string;
  close(): Promise<void>;
}

/** @param portNumber 0: a free one. */
export async function serveRest(port: MessagingPort, portNumber: number): Promise<RestDoor> {
  return await startGateway({ host: '127.0.0.1', port: portNumber }, { port });
}
