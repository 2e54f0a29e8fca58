import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openPort } from '../../src/adapters/index.ts';
import type { Consumer, MessagingPort } from '../../src/adapters/port.ts';
import { obtainBrokers, type ObtainedBrokers, type RabbitMqHandle } from '../../src/brokers/index.ts';
import { Load } from './load.ts';
import { type FaultRow, keepRows, totals } from './rows.ts';
import { configOf, requireProcess, systemsOf } from './systems.ts';
import { rounds, uniqueName, until } from './waiting.ts';

const alarms = [
  {
    what: 'memory',
    on: ['set_vm_memory_high_watermark', '0.00001'],
    off: ['set_vm_memory_high_watermark', '0.6'],
  },
  { what: 'disk', on: ['set_disk_free_limit', '1000000GB'], off: ['set_disk_free_limit', '50MB'] },
] as const;
const ANSWERED_MS = 1_000;
const resultsDir = inject('faultResultsDir');

describe('R12: RabbitMQ is out of memory, then out of disk', () => {
  let brokers: ObtainedBrokers;
  let handle: RabbitMqHandle | null = null;
  let port: MessagingPort;

  beforeAll(async () => {
    brokers = await obtainBrokers({ want: ['rabbitmq'], fresh: true });
    handle = requireProcess(brokers, 'rabbitmq');
    if (handle !== null) port = await openPort({ backend: 'rabbitmq', config: configOf(handle) });
  }, 180_000);
  afterAll(async () => {
    await port?.close();
    await brokers.stop();
  }, 60_000);

  it('refuses publishes at once with the reason, reads and acknowledges on, and resumes by itself', {
    timeout: 600_000,
  }, async (ctx) => {
    if (handle === null) return ctx.skip('no RabbitMQ as a process here');
    const loads: Load[] = [];
    for (const { system, topic } of systemsOf('rabbitmq'))
      loads.push(await Load.start(port, { system, topic, lanes: 2 }));
    await Promise.all(loads.map((load) => load.flowed(200)));
    const unread = uniqueName('unread');
    await port.createTopic({ name: unread, queueType: 'stream' });
    await port.createSubscription({ name: unread, topic: unread, onExhausted: 'block' });
    const recoveredMs = new Map<Load, number[]>(loads.map((load) => [load, []]));
    for (let round = 0; round < rounds(1, 3); round += 1) {
      for (const { what, on, off } of alarms) {
        const backlogs = await Promise.all(systemsOf('rabbitmq').map(async ({ topic }) => await backlog(port, topic)));
        const before = loads.map(({ notStored }) => notStored);
        await brokers.rabbitmqctl(on);
        await Promise.all(loads.map(async (load, index) => await load.untilNotStored(before[index] ?? 0, 10_000)));

        const askedAtMs = performance.now();
        const [outcome] = await port.publish(loads[0]?.topic ?? '', [{ value: 'during the alarm' }]);
        expect(performance.now() - askedAtMs).toBeLessThan(ANSWERED_MS);
        expect(outcome).toMatchObject({ kind: 'refused', error: { code: 'backend_unavailable', httpStatus: 503 } });
        expect(outcome?.kind === 'refused' && outcome.error.message).toContain(what);
        expect(await port.health()).toMatchObject({ ok: false, detail: expect.stringContaining(what) });
        for (const consumer of backlogs) await drain(port, consumer);
        // A reader of streams has to write down that it is the one reader, and nothing can be written now.
        await expect(port.subscribe(unread, { credit: { messages: 1 } })).rejects.toMatchObject({
          code: 'backend_unavailable',
          message: expect.stringContaining(what),
        });

        await brokers.rabbitmqctl(off);
        const clearedAtMs = performance.now();
        await Promise.all(
          loads.map(async (load) => {
            const { storedMs, deliveredMs } = await load.recovered(clearedAtMs, 30_000);
            recoveredMs.get(load)?.push(Math.max(storedMs, deliveredMs));
          }),
        );
        await until('green health', async () => (await port.health()).ok);
      }
    }
    const rows: FaultRow[] = [];
    for (const load of loads) {
      const { none, key } = await load.audit();
      rows.push({
        fault: 'R12-alarm',
        system: `${load.system} ${handle.version}`,
        rounds: `${rounds(1, 3)} x memory, ${rounds(1, 3)} x disk`,
        ...totals([none, key]),
        recoveredMs: recoveredMs.get(load) ?? [],
        notes: `slowest answer: unknown ${load.slowestMs.unknown} ms, refused ${load.slowestMs.refused} ms`,
      });
      await load.end();
    }
    keepRows(resultsDir, rows);
    for (const row of rows) {
      expect(row, row.system).toMatchObject({ lost: 0, phantom: 0, refusedButThere: 0, reordered: 0 });
      expect(Math.max(...row.recoveredMs), row.system).toBeLessThan(10_000);
    }
  });
});

const BACKLOG = 100;

/** A reader that is there before the alarm, with room for a tenth of what waits for it. */
async function backlog(port: MessagingPort, topic: object): Promise<Consumer> {
  const name = uniqueName('backlog');
  await port.createTopic({ name, ...topic });
  await port.createSubscription({ name, topic: name, onExhausted: 'block' });
  const outcomes = await port.publish(
    name,
    Array.from({ length: BACKLOG }, (_, index) => ({ value: `b${index}` })),
  );
  expect(outcomes.every(({ kind }) => kind === 'stored')).toBe(true);
  return await port.subscribe(name, { credit: { messages: BACKLOG / 10 } });
}

async function drain(port: MessagingPort, consumer: Consumer): Promise<void> {
  const { subscription } = consumer;
  for (let left = BACKLOG; left > 0; ) {
    const deliveries = await consumer.pull({ maxMessages: left, waitMs: 5_000 });
    expect(deliveries.length, `${left} of ${subscription} left`).toBeGreaterThan(0);
    const results = await port.ack(
      subscription,
      deliveries.map(({ token }) => token),
    );
    expect(results.every(({ status }) => status === 'ok')).toBe(true);
    left -= deliveries.length;
  }
  await until('no lag', async () => (await port.lag(subscription)).total === 0, 5_000);
  await consumer.close();
}
