/** How a process gets to a system that its parent knows: by addresses, and opened there. */

import { brokersOfOthers, type ObtainedBrokers } from '../../brokers/index.ts';
import type { Layer } from '../report/model.ts';
import { gatewayKey, openWire, otherBrokerOf } from '../systems/systems.ts';
import type { Wire } from '../systems/wire.ts';

export interface RemoteTarget {
  readonly name: string;
  readonly layer: Layer;
  readonly dataDir: string;
  readonly sluiceVersion: string;
  readonly rabbitmq: { readonly url: string; readonly version: string } | null;
  readonly kafka: { readonly brokers: readonly string[]; readonly version: string } | null;
  /** For rest and grpc: the one that the parent has started. */
  readonly gateway?: { readonly url: string; readonly grpcAddress: string };
}

export async function openTarget(target: RemoteTarget): Promise<Wire> {
  const { name, layer, dataDir, sluiceVersion, gateway } = target;
  const brokers = brokersAt(target);
  const other = otherBrokerOf(name);
  const others = new Map(other === null ? [] : [[other, brokers] as const]);
  const gateways = new Map(
    gateway === undefined
      ? []
      : [[gatewayKey(name), Promise.resolve({ ...gateway, pid: null, close: () => Promise.resolve() })] as const],
  );
  return await openWire({ brokers, others, dataDir, sluiceVersion, gateways }, name, layer);
}

/** Brokers that somebody else started, known by their addresses. */
function brokersAt({ rabbitmq, kafka }: RemoteTarget): ObtainedBrokers {
  const given = { nodes: [], source: 'address', startMs: null } as const;
  return brokersOfOthers({
    rabbitmq: rabbitmq === null ? null : { ...given, kind: 'rabbitmq', ...rabbitmq, urls: [rabbitmq.url] },
    kafka: kafka === null ? null : { ...given, kind: 'kafka', ...kafka, libDir: null },
  });
}
