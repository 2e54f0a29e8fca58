/**
 * What a user's program does with every door of the package, run in a project that has nothing else: `node use.mjs URL`, where URL is
 * of a gateway that serves. Prints one line of JSON: what each door did, and the names it exports.
 */

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as sluice from 'sluice';
import * as client from 'sluice/client';
import * as conformance from 'sluice/conformance';
import * as log from 'sluice/log';
import * as testing from 'sluice/testing';

const directory = mkdtempSync(join(tmpdir(), 'sluice-package-'));
const did = {
  sluice: await publishThroughPort(),
  'sluice/client': await consumeFromGateway(process.argv[2]),
  'sluice/conformance': conformance.chapters.length,
  'sluice/log': await appendAndRead(),
  'sluice/testing': await publishToTestBroker(),
};
const names = Object.fromEntries(
  Object.entries({
    sluice,
    'sluice/client': client,
    'sluice/conformance': conformance,
    'sluice/log': log,
    'sluice/testing': testing,
  }).map(([door, all]) => [door, Object.keys(all).toSorted()]),
);
console.log(JSON.stringify({ node: process.version, did, names }));

async function publishThroughPort() {
  const port = await sluice.openPort({ backend: 'native', config: { dataDir: join(directory, 'port') } });
  await port.createTopic({ name: 'orders' });
  const [outcome] = await port.publish('orders', [{ value: 'paid' }]);
  await port.close();
  return outcome.kind;
}

async function consumeFromGateway(url) {
  const gateway = client.connect(url);
  await gateway.topics.create({ name: 'from-package' });
  await gateway.subscriptions.create({ name: 'reader', topic: 'from-package' });
  await gateway.publish('from-package', { key: 'k', value: { total: 9.5 } });
  for await (const delivery of gateway.subscribe('reader')) {
    await delivery.ack();
    return delivery.message.value;
  }
}

async function appendAndRead() {
  const engine = await log.openEngine({ dataDir: join(directory, 'log') });
  await engine.createTopic('orders', { partitions: 1 });
  await engine.append('orders', 0, [{ key: Buffer.from('k'), value: Buffer.from('paid') }], { durability: 'fsync' });
  const values = [];
  for await (const { value } of engine.read('orders', 0, { from: 'earliest' })) values.push(value.toString());
  await engine.close();
  return values;
}

async function publishToTestBroker() {
  const broker = await testing.createTestBroker({ topics: ['orders'] });
  await broker.port.publish('orders', [{ value: 'paid' }]);
  const { length } = await broker.published('orders');
  await broker.close();
  return length;
}
