/** Three nodes of a scenario's own: what is killed here serves nobody else. */

import { type BrokerKind, type ObtainedBrokers, obtainBrokers } from '../../brokers/index.ts';
import type { Cluster } from '../scenarios/scenario.ts';
import { backendOf, systemOf, versionOf } from './system-ids.ts';
import { openWire, SystemMissing, type SystemsContext } from './systems.ts';
import { type Wire, WireRefusal } from './wire.ts';

const NODES = 3;

/** Resolves when all nodes answer. Rejects with WireRefusal where a system has no nodes or they cannot be had here. */
export async function openCluster(context: SystemsContext, name: string): Promise<Cluster> {
  const system = systemOf(name);
  const backend = backendOf[system];
  if (backend === 'native') throw new WireRefusal('broker_has_none', 'the embedded log is one process');
  const version = versionOf(name);
  const brokers = await obtainBrokers({
    want: [backend],
    nodes: NODES,
    fresh: true,
    ...(version === null ? {} : { rabbitmqVersion: version }),
  });
  const wires: Wire[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(wires.map(async (wire) => await wire.close().catch(() => undefined)));
    await brokers.stop();
  };
  try {
    if (brokers[backend]?.source !== 'process')
      throw new SystemMissing(brokers.skipped[0]?.reason ?? 'its nodes are not processes of this run');
    const own = { ...context, brokers, others: version === null ? context.others : new Map([[version, brokers]]) };
    const open = async (): Promise<Wire> => {
      const wire = await openWire(own, name, 'port');
      wires.push(wire);
      return wire;
    };
    return { nodes: NODES, wire: await open(), open, ...nodesOf(brokers, backend), close };
  } catch (reason) {
    await close();
    throw reason;
  }
}

function nodesOf(brokers: ObtainedBrokers, kind: BrokerKind): Pick<Cluster, 'killLeader' | 'start'> {
  return {
    // On RabbitMQ what a publish is stored in is the queue of the subscription, by the mapping of the port.
    killLeader: async (topic, subscription) => {
      const node = await brokers.leaderOf(kind, kind === 'kafka' ? topic : `sluice.s.${subscription}.all`);
      await brokers.killNode(kind, node);
      return node;
    },
    start: async (node) => await brokers.startNode(kind, node),
  };
}
