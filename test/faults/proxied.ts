/** A broker of its own behind a proxy, and the configuration that leads through it. */

import { type BrokerKind, type KafkaHandle, obtainBrokers, type RabbitMqHandle } from '../../src/brokers/index.ts';
import { TcpProxy } from '../../src/faults/index.ts';
import { requireProcess } from './systems.ts';

export interface Proxied {
  readonly handle: RabbitMqHandle | KafkaHandle;
  readonly proxy: TcpProxy;
  readonly config: Record<string, unknown>;
}

/** Runs `work` on it and ends both; not at all when the broker cannot be had as a process. */
export async function behindProxy(kind: BrokerKind, work: (proxied: Proxied) => Promise<void>): Promise<void> {
  await using proxy = await TcpProxy.listen();
  const brokers = await obtainBrokers({
    want: [kind],
    fresh: true,
    ...(kind === 'kafka' ? { kafkaAdvertisedPort: proxy.port } : {}),
  });
  try {
    const handle = requireProcess<BrokerKind>(brokers, kind);
    if (handle === null) return;
    const address = new URL(handle.kind === 'kafka' ? `kafka://${handle.brokers[0]}` : handle.url);
    proxy.target = { host: address.hostname, port: Number(address.port) };
    const config =
      kind === 'kafka'
        ? { brokers: [`127.0.0.1:${proxy.port}`] }
        : { urls: [`amqp://guest:guest@127.0.0.1:${proxy.port}`] };
    await work({ handle, proxy, config });
  } finally {
    await brokers.stop();
  }
}
