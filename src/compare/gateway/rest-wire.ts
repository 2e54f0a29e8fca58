/** The wire over REST, by `sluice/client` as an application would use it. */

import { connect, type OutgoingMessage, type PublishOutcome, SluiceError, valueBytes } from '../../client/index.ts';
import type { DurabilityReached } from '../report/model.ts';
import { queueTypeOf, type SystemId } from '../systems/system-ids.ts';
import {
  type ConsumeOptions,
  type SendResult,
  type Wire,
  type WireConsumer,
  type WireMessage,
  WireRefusal,
} from '../systems/wire.ts';
import { CoalescingPublisher } from './coalescing-publisher.ts';
import type { GatewayProcess } from './gateway-process.ts';

export interface GatewayWireOptions {
  readonly system: SystemId;
  readonly name: string;
  readonly gateway: GatewayProcess;
  /** What an acked publish reaches by default; replaced by what the first outcome says. */
  readonly durability: DurabilityReached;
}

const pullWaitMs = 1_000;

export async function openRestWire({ system, name, gateway, durability }: GatewayWireOptions): Promise<Wire> {
  const client = connect(gateway.url, { attempts: 1 });
  const { product, version } = await client.backend();
  const queueType = queueTypeOf[system];
  let reached = durability;
  return {
    system,
    name,
    layer: 'rest',
    product,
    version,
    capabilities: null,
    get durability() {
      return reached;
    },
    configuration: { client: 'sluice/client', gateway: 'a process of its own on this machine, settings as they ship' },
    publishModes: ['default'],
    pids: () => (gateway.pid === null ? [] : [gateway.pid]),
    notes: ["the cost of the broker has the gateway's processor time and memory in it"],
    async createTopic(topic, { partitions }) {
      await refusing(client.topics.create({ name: topic, partitions, ...(queueType === null ? {} : { queueType }) }));
    },
    deleteTopic: (topic) => refusing(client.topics.delete(topic)),
    async createSubscription({ name: subscription, topic, start, ordering, credit }) {
      if (typeof start !== 'string')
        throw new WireRefusal('invalid_argument', `no start ${JSON.stringify(start)} here`);
      const maxInFlight = credit === undefined ? {} : { maxInFlight: { messages: credit } };
      await refusing(client.subscriptions.create({ name: subscription, topic, start, ordering, ...maxInFlight }));
    },
    deleteSubscription: (subscription) => refusing(client.subscriptions.delete(subscription)),
    deadLettersOf: () => Promise.reject(new WireRefusal('broker_has_none', 'workloads have no dead letters')),
    seek: () => Promise.reject(new WireRefusal('broker_has_none', 'workloads do not seek')),
    publisher: (topic) =>
      Promise.resolve(
        new CoalescingPublisher(async (messages) => {
          const outcomes = await client.publishBatch(topic, messages.map(outgoing));
          for (const outcome of outcomes) if (outcome.kind === 'stored') reached = outcome.durability;
          return outcomes.map(resultOf);
        }),
      ),
    consume: (subscription, options) => Promise.resolve(consume(client, subscription, options)),
    close: () => Promise.resolve(),
  };
}

function outgoing({ key, value, headers }: WireMessage): OutgoingMessage {
  return { value, ...(key === null ? {} : { key }), ...(headers === undefined ? {} : { headers }) };
}

function resultOf(outcome: PublishOutcome): SendResult {
  if (outcome.kind === 'stored') return { fate: 'acked' };
  return { fate: outcome.kind, code: outcome.error.code };
}

/** Each delivery is acked when it was taken; the client sends the acks of one turn of the event loop together. */
function consume(client: ReturnType<typeof connect>, subscription: string, options: ConsumeOptions): WireConsumer {
  const { credit, settle, onDelivery, onError } = options;
  if (settle.kind !== 'batch') throw new WireRefusal('broker_has_none', 'only workloads run on this layer');
  const subscriber = client.subscribe(subscription, { credit, waitMs: pullWaitMs, extend: false });
  const acks = new Set<Promise<unknown>>();
  let isClosed = false;
  const failed = (reason: unknown) => {
    if (!isClosed) onError(reason);
  };
  const loop = async () => {
    for (let delivery = await subscriber.next(); delivery !== undefined; delivery = await subscriber.next()) {
      const { message, attempt } = delivery;
      const taken = delivery;
      onDelivery({
        key: message.key === null ? null : message.key.toString(),
        value: valueBytes(message) ?? Buffer.alloc(0),
        partition: message.partition,
        offset: message.offset ?? null,
        attempt,
        isRedelivered: attempt > 1,
        headers: () =>
          Object.fromEntries(Object.entries(message.headers).map(([header, value]) => [header, String(value)])),
        ack: () => void taken.ack().catch(failed),
        nack: () => void taken.nack().catch(failed),
        reject: () => void taken.reject().catch(failed),
      });
      const acking = delivery.ack().catch(failed);
      acks.add(acking);
      void acking.finally(() => acks.delete(acking));
    }
  };
  const running = loop().catch(failed);
  return {
    async close() {
      isClosed = true;
      await Promise.all(acks);
      await subscriber.close();
      await running;
    },
  };
}

async function refusing(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (reason) {
    if (reason instanceof SluiceError) throw new WireRefusal(reason.code, reason.message, { cause: reason });
    throw reason;
  }
}
