/** The id of a request: the client's own, where it is one, or one that no other request of this machine has. */

import { gatewayLimits } from './limits.ts';

let requests = 0;
const requestPrefix = `${Date.now().toString(36)}-${process.pid.toString(36)}-`;
const goodRequestId = new RegExp(`^[A-Za-z0-9._-]{1,${gatewayLimits.requestIdCharactersMax}}$`);

/** @param given the field `x-request-id`, if there was one. */
export function requestId(given: unknown): string {
  if (typeof given === 'string' && goodRequestId.test(given)) return given;
  requests += 1;
  return requestPrefix + requests.toString(36);
}
