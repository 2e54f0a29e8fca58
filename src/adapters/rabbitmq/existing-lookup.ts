/** Whether what the configuration maps is there on the broker: said when the driver opens, not at the first message. */

import { PortError } from '../errors.ts';
import { type SupervisedConnection, withChannel } from './connection.ts';
import { ACCESS_REFUSED, isGone, replyCodeOf } from './errors.ts';
import type { ExistingRabbitMq } from './existing.ts';

/**
 * Resolves when everything mapped is there.
 * @throws PortError `topic_not_found`, `subscription_not_found`; `capability_unsupported` for a subscription on streams.
 */
export async function checkExisting(
  { topics, subscriptions }: ExistingRabbitMq,
  connection: SupervisedConnection,
): Promise<void> {
  for (const { definition } of subscriptions) {
    const topic = topics.find(({ definition: { name } }) => name === definition.topic);
    if (topic?.definition.queueType !== 'stream') continue;
    const text = `subscription "${definition.name}": on streams its cursors are kept in queues, which are not made with manage "none"`;
    throw new PortError('capability_unsupported', text, { capability: 'ack.perMessage' });
  }
  for (const { definition, exchange, streams } of topics) {
    const where = `topic "${definition.name}" of the configuration`;
    if (exchange !== '') await check(connection, 'topic_not_found', where, 'exchange', exchange);
    for (const stream of streams) await check(connection, 'topic_not_found', where, 'queue', stream);
  }
  for (const { definition, queues } of subscriptions) {
    const where = `subscription "${definition.name}" of the configuration`;
    for (const queue of queues) await check(connection, 'subscription_not_found', where, 'queue', queue);
  }
}

async function check(
  connection: SupervisedConnection,
  code: PortError['code'],
  where: string,
  kind: 'exchange' | 'queue',
  name: string,
): Promise<void> {
  try {
    await withChannel(connection, `${where}: look up ${kind} "${name}"`, async (channel) => {
      if (kind === 'exchange') await channel.checkExchange(name);
      else await channel.checkQueue(name);
    });
  } catch (reason) {
    const cause = reason instanceof PortError ? reason.cause : undefined;
    if (isGone(cause)) throw new PortError(code, `${where}: RabbitMQ has no ${kind} "${name}"`, { cause: reason });
    if (replyCodeOf(cause) !== ACCESS_REFUSED) throw reason;
    // From some version on even looking takes a right, any one; RabbitMQ then names the last that it tried.
    const needs = `${kind === 'exchange' ? 'write' : 'read'} access to ${kind} '${name}'`;
    throw new PortError('backend_rejected', `${where}: this user has no right to it; it needs ${needs}`, {
      cause: reason,
    });
  }
}
