/** The dead-letter topic that a new subscription gets where none is named: it may be there already, and be somebody's. */

import { defaultDeadLetterTopic, PortError } from '../../adapters/index.ts';
import type { GatewayContext } from '../context.ts';
import type { Caller } from './caller.ts';

interface Asked {
  readonly name: string;
  readonly onExhausted: string;
  readonly deadLetterTopic?: string | undefined;
}

/**
 * One that is named is in the table of required scopes. The default (`<name>.dead`) is made when it is not there; where it is, and the
 * subscription is not, the caller would read and write a topic that is no part of what it asks for.
 * @throws PortError `scope_missing`
 */
export async function requireDeadLetterTopic(
  { port }: Pick<GatewayContext, 'port'>,
  caller: Caller,
  { name, onExhausted, deadLetterTopic }: Asked,
): Promise<void> {
  if (caller.scopes.isAdmin || deadLetterTopic !== undefined || onExhausted !== 'deadLetter') return;
  const topic = defaultDeadLetterTopic(name);
  if (caller.scopes.allows('read', topic) && caller.scopes.allows('publish', topic)) return;
  if (!(await isThere(async () => await port.describeTopic(topic)))) return;
  // Asked for again, or created by somebody who might: it has its topic.
  if (await isThere(async () => await port.describeSubscription(name))) return;
  caller.requireNamed('read', topic);
  caller.requireNamed('publish', topic);
}

async function isThere(describe: () => Promise<unknown>): Promise<boolean> {
  try {
    await describe();
    return true;
  } catch (reason) {
    const { code } = PortError.from(reason);
    if (code === 'topic_not_found' || code === 'subscription_not_found') return false;
    throw reason;
  }
}
