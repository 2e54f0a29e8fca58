/** Many publishers, each with connections of its own: do they all get through, and what does one cost? */

import { everySystem, expected, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';
import { countOf } from './stage.ts';
import type { Wire } from '../systems/wire.ts';

const clientsMin = 20;
const clientsMax = 200;
const openAtOnce = 10;

export const manyConnections: Scenario = {
  id: 'many-connections',
  number: 'S48',
  title: 'Many connections',
  question: 'Do many publishers with connections of their own all get their message through, and what does one cost?',
  layers: ['bare'],
  notFor: (system) => (system === 'log' ? 'the embedded log has no connections' : null),
  exclusive: true,
  deadlineMs: () => 120_000,
  expectations: [
    expected(
      everySystem,
      'any',
      'PASS',
      'Thousands of connections are usual; a connection is processes in RabbitMQ and buffers in Kafka.',
      'rabbitmq-website docs/connections (resource use); kafka docs/operations',
    ),
  ],
  run,
};

async function run({ stage, messages, usage, open }: ScenarioContext): Promise<Finding> {
  const clients = Math.min(clientsMax, Math.max(clientsMin, Math.floor(messages / 20)));
  const topic = await stage.topic('t');
  const subscription = await stage.subscription('s', topic);
  const before = usage();
  const startedMs = stage.nowMs;
  const wires: Wire[] = [];
  while (wires.length < clients)
    wires.push(
      ...(await Promise.all(Array.from({ length: Math.min(openAtOnce, clients - wires.length) }, () => open()))),
    );
  const publishers = await Promise.all(wires.map((wire) => wire.publisher(topic)));
  const openMs = Math.round(stage.nowMs - startedMs);
  let acked = 0;
  let answered = 0;
  for (const [index, publisher] of publishers.entries())
    publisher.publish([{ key: null, value: Buffer.from(`m-${index}`) }], (_, { fate }) => {
      answered++;
      if (fate === 'acked') acked++;
    });
  await stage.until(() => answered === clients, 'every answer');
  const after = usage();
  const received = await stage.drain(subscription, { count: clients, quietMs: 2_000 });
  await Promise.all(publishers.map((publisher) => publisher.close()));
  const grownKib =
    before === null || after === null ? null : Math.round((after.rssBytes - before.rssBytes) / 1024 / clients);
  return {
    verdict: acked === clients && countOf(received, 'm') === clients ? 'PASS' : 'DIFFERS',
    summary: `${clients} clients opened in ${openMs} ms, ${acked} messages acknowledged, ${countOf(received, 'm')} received${grownKib === null ? '' : `; the broker grew by ${grownKib} KiB for each client`}`,
    observed: {
      clients,
      openMs,
      acked,
      received: countOf(received, 'm'),
      brokerKibPerClient: grownKib ?? 'not visible',
    },
    evidence: ['a client of RabbitMQ has two connections (publish, consume), one of Kafka an admin and a producer'],
  };
}
