/** What a user's compiler sees of every door of the package. Each `expect-error` proves that a type is there, and not `any`. */

import { type MessagingPort, openPort, startGateway } from 'sluice';
import { connect, SluiceError } from 'sluice/client';
import { chapters, conformance } from 'sluice/conformance';
import { type EngineOptions, openEngine } from 'sluice/log';
import { createTestBroker, type TestBroker } from 'sluice/testing';

export async function compiles(): Promise<void> {
  const port: MessagingPort = await openPort({ backend: 'native', config: { dataDir: './data' } });
  const [outcome] = await port.publish('orders', [{ key: 'k', value: 'v' }]);
  if (outcome?.kind === 'stored') outcome.partition.toFixed();
  // @ts-expect-error a topic has no such field
  await port.createTopic({ name: 'orders', partition: 4 });

  const gateway = await startGateway({ port: 0, grpcPort: 'off' });
  gateway.url.toUpperCase();
  // @ts-expect-error a configuration has no such backend
  await startGateway({ backend: 'carrier-pigeon' });

  for await (const delivery of connect(gateway.url).subscribe('billing')) await delivery.ack();
  // @ts-expect-error a client is made of an address
  connect(8080);
  await connect(gateway.url)
    .publish('orders', { value: 1 })
    .catch((reason: unknown) => {
      if (reason instanceof SluiceError && reason.code === 'topic_not_found') reason.retryable.valueOf();
    });
  chapters.map(({ name }) => name.trim());
  // @ts-expect-error a suite must be told what to try
  conformance({});

  const options: EngineOptions = { dataDir: './data' };
  const engine = await openEngine(options);
  // @ts-expect-error no such durability
  await engine.append('orders', 0, [{ value: Buffer.from('v') }], { durability: 'forever' });

  const broker: TestBroker = await createTestBroker({ topics: ['orders'] });
  await broker.clock.advance(30_000);
  // @ts-expect-error time is a number of milliseconds
  await broker.clock.advance('soon');
}
