/** The reference rows against real brokers: the vendors' Java clients do the work, and the books of every other row judge it. */

import { join } from 'node:path';
import { afterEach, describe, expect, inject, test } from 'vitest';
import { brokersOfOthers } from '../../src/brokers/index.ts';
import { openBareKafka } from '../../src/compare/bare/index.ts';
import { compare } from '../../src/compare/index.ts';
import { openReferenceWire, type ReferenceTarget } from '../../src/compare/reference/index.ts';
import { runWorkload } from '../../src/compare/load/workload-run.ts';
import type { ReferenceName } from '../../src/compare/systems/system-ids.ts';
import type { Wire } from '../../src/compare/systems/wire.ts';
import { PayloadCodec, planFromSpec, type WorkloadSpec, workloadsOf } from '../../src/compare/workloads/index.ts';
import { LoadRun } from '../../src/compare/load/load-run.ts';

const rabbitmq = inject('rabbitmq');
const kafka = inject('kafka');

const spec: WorkloadSpec = {
  ...(workloadsOf('smoke')[0] as WorkloadSpec),
  ratePerSecond: 1_000,
  arrival: 'uniform',
  messages: 1_000,
  warmupMs: 200,
  measuredMs: 800,
};
/** One partition, so that an order is promised. */
const inOrder: WorkloadSpec = { ...spec, partitions: 1, keys: 1, messages: 500, measuredMs: 300 };

/** Each of them waits three seconds for what does not come. */
const isLong = process.env['SLUICE_LONG'] === '1';

let opened = 0;
const open: Wire[] = [];
afterEach(async () => {
  for (const wire of open.splice(0)) await wire.close();
});

async function rowOf(name: ReferenceName, of: WorkloadSpec, more: Partial<ReferenceTarget> = {}) {
  const driving = { isCold: true };
  const wire = await openReferenceWire(name, { rabbitmq, kafka, driving, ...more });
  open.push(wire);
  const prefix = `sluice-cmp-test-${process.pid}-${++opened}`;
  const plan = planFromSpec({ ...of, seed: 7 });
  return await runWorkload({ wire, spec: of, plan, repeat: 0, prefix, pids: [], generatorCeiling: null });
}

const names: readonly { readonly name: ReferenceName; readonly isThere: boolean }[] = [
  { name: 'kafka-java', isThere: kafka !== null },
  { name: 'kafka-share', isThere: kafka !== null },
  { name: 'rabbitmq-quorum-java', isThere: rabbitmq !== null },
  { name: 'rabbitmq-stream-protocol', isThere: rabbitmq?.streams !== undefined },
];

describe.each(names)('$name', ({ name, isThere }) => {
  test.skipIf(!isThere)('carries the planned load, each message once, with its latencies and costs', async () => {
    const row = await rowOf(name, spec);
    // How late a busy machine makes it is not asked here; what became of every message is.
    expect(row.checks).toMatchObject({
      sent: 1_000,
      acked: 1_000,
      received: 1_000,
      lost: 0,
      phantom: 0,
      duplicated: 0,
    });
    expect(row).toMatchObject({ system: name, layer: 'reference', planHash: planFromSpec({ ...spec, seed: 7 }).hash });
    expect(row.latencyMs.publish.count).toBe(800);
    expect(row.latencyMs.endToEnd.count).toBe(800);
    expect(row.latencyMs.publish.negative + row.latencyMs.endToEnd.negative).toBe(0);
    expect(row.cost.clientCpuSecondsPerMillion).toBeGreaterThan(0);
    expect(row.series.reduce((sum, { received }) => sum + received, 0)).toBe(1_000);
  });
});

describe.skipIf(kafka === null)('a Java client with a fault planted in it', () => {
  const instead = { className: 'PlantedFaults', sources: join(import.meta.dirname, 'java') };
  const planted = (fault: string) => rowOf('kafka-java', inOrder, { instead, clientOptions: { fault } });

  test('that loses messages is invalid, with their number', async () => {
    const row = await planted('lose');
    expect(row).toMatchObject({ valid: false, invalidBecause: '10 acknowledged messages were lost' });
  });

  test('that doubles messages has each of them counted', async () => {
    expect((await planted('double')).checks).toMatchObject({ received: 500, duplicated: 10, lost: 0 });
  });

  test.runIf(isLong)(
    'that damages messages is invalid: they are strangers, and the true ones are missing',
    async () => {
      const row = await planted('damage');
      expect(row).toMatchObject({ valid: false, checks: { phantom: 10, lost: 10 } });
      expect(row.invalidBecause).toMatch(
        /10 messages were received that were never sent, refused as not stored, or damaged/,
      );
    },
  );

  test.runIf(isLong)('that swaps messages has each of them counted', async () => {
    // The last one is kept back for ever: nothing comes after it.
    expect((await planted('swap')).checks).toMatchObject({ reordered: 9, lost: 1 });
  });
});

test.runIf(isLong && kafka !== null)('a process that dies in its load costs that row, not the next one', async () => {
  const driving = { isCold: true };
  const wire = await openReferenceWire('kafka-java', { rabbitmq, kafka, driving });
  open.push(wire);
  const of = (prefix: string, messages: number) => {
    const own = { ...spec, messages, measuredMs: messages };
    const plan = planFromSpec({ ...own, seed: 7 });
    return runWorkload({ wire, spec: own, plan, repeat: 0, prefix, pids: [], generatorCeiling: null });
  };
  const name = `sluice-cmp-test-${process.pid}-dies`;
  const dying = of(`${name}-1`, 20_000);
  setTimeout(() => void wire.kill(), 4_000);
  expect(await dying).toMatchObject({ valid: false, invalidBecause: expect.stringMatching(/Java process is gone/) });
  expect((await of(`${name}-2`, 1_000)).checks).toMatchObject({ sent: 1_000, lost: 0, phantom: 0 });
});

test.skipIf(kafka === null)('what Java sends, the JavaScript of the other rows reads, byte for byte', async () => {
  const { brokers = [], version = '' } = kafka ?? {};
  const java = await openReferenceWire('kafka-java', {
    rabbitmq,
    kafka,
    driving: { isCold: true },
  });
  const bare = await openBareKafka({ brokers, version });
  open.push(java, bare);
  const topic = `sluice-cmp-test-${process.pid}-bytes`;
  const subscription = `${topic}-s`;
  await bare.createTopic(topic, { partitions: 1 });
  await bare.createSubscription({ name: subscription, topic, start: 'earliest', ordering: 'none' });
  const codecRun = 0xfedcba98;
  const alone = { ...inOrder, subscriptions: 0, messages: 300, measuredMs: 100 };
  const plan = planFromSpec({ ...alone, seed: 7 });
  const codec = new PayloadCodec(codecRun, alone.messageBytes);
  let nowMs = 0;
  const run = new LoadRun(alone, plan, codec, { now: () => nowMs, sleep: () => Promise.resolve() });
  const setNow = (ms: number) => {
    nowMs = ms;
  };
  await java.drive?.({ run, setNow, spec: alone, plan, codecRun, topic, subscriptions: [], pids: [] });
  const read: (number | null)[] = [];
  const consumer = await bare.consume(subscription, {
    credit: 100,
    settle: { kind: 'batch', ackBatch: 100 },
    onDelivery: ({ value }) => {
      if (!value.toString('latin1').startsWith('probe ')) read.push(codec.decode(value)?.seq ?? null);
    },
    onError: (reason) => {
      throw reason;
    },
  });
  await expect.poll(() => read.length).toBe(300);
  await consumer.close();
  await bare.deleteSubscription(subscription);
  await bare.deleteTopic(topic);
  expect(read).toEqual(Array.from({ length: 300 }, (_, index) => index));
});

const question = {
  systemsAreRequired: true,
  allowsRemote: false,
  profile: 'smoke',
  repeats: 1,
  seed: 1,
  workloads: [],
  assertions: [],
  command: 'test',
  onProgress: () => {},
} as const;

test.skipIf(kafka === null)(
  'share groups count deliveries and give a message up, which no consumer group does',
  async () => {
    const report = await compare({
      ...question,
      systems: ['kafka'],
      layers: ['bare', 'reference'],
      scenarioIds: ['redelivery-limit'],
      brokers: brokersOfOthers({ rabbitmq, kafka }),
    });
    expect(report.scenarios.map(({ system, verdict, surprise }) => ({ system, verdict, surprise }))).toEqual([
      { system: 'kafka', verdict: 'DIFFERS', surprise: false },
      { system: 'kafka-share', verdict: 'PASS', surprise: false },
    ]);
    expect(report.scenarios[1]?.observed).toMatchObject({ deliveries: 5, othersDone: 19 });
  },
);

test.skipIf(kafka === null)(
  'without Java its rows are not measured, with the reason, and nothing else is missing',
  async () => {
    const before = process.env['PATH'];
    process.env['PATH'] = '/nowhere';
    try {
      const report = await compare({
        ...question,
        systems: ['kafka'],
        layers: ['bare', 'reference'],
        scenarioIds: ['fan-out'],
        brokers: brokersOfOthers({ rabbitmq, kafka }),
      });
      expect(report.scenarios.map(({ system, layer }) => `${system} ${layer}`)).toEqual(['kafka bare']);
      const reasons = report.notMeasured.filter(({ layer }) => layer === 'reference');
      expect(reasons.map(({ system }) => system)).toEqual(['kafka-java', 'kafka-share']);
      for (const { reason } of reasons) expect(reason).toMatch(/no Java/);
    } finally {
      process.env['PATH'] = before;
    }
  },
);

test.runIf(isLong && kafka !== null && rabbitmq !== null)(
  'the instrument stands beside independent tools, every pair of them',
  { timeout: 300_000 },
  async () => {
    const report = await compare({
      ...question,
      systems: ['kafka', 'rabbitmq-quorum'],
      layers: ['reference'],
      scenarioIds: [],
      checksAgreement: true,
      brokers: brokersOfOthers({ rabbitmq, kafka }),
    });
    expect(report.notMeasured.filter(({ id }) => id.startsWith('agreement'))).toEqual([]);
    expect(report.agreement?.map(({ id }) => id)).toEqual([
      'kafka-producer-maximum',
      'kafka-producer-latency',
      'kafka-end-to-end',
      'rabbitmq-quorum-maximum',
      'rabbitmq-quorum-latency',
    ]);
    // How far they agree is a result of the machine's quiet, not of the code; a factor of four would be a mistake of ours.
    for (const { ratio } of report.agreement ?? []) expect(Math.max(ratio, 1 / ratio)).toBeLessThan(4);
  },
);
