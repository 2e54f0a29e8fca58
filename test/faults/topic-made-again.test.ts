import { Kafka, logLevel } from 'kafkajs';
import { expect, inject, test } from 'vitest';
import { openPort } from '../../src/adapters/index.ts';
import { AckedLedger, Receptions, type Verdict } from './ledger.ts';
import { keepRows, totals } from './rows.ts';
import { rounds, uniqueName, until } from './waiting.ts';

const RECOVERED_MS = 10_000;
/** Fewer than, and more than were read of the old one: an old position is then behind the end, or in the middle. */
const sizes = [30, 200] as const;
const FIRST = 100;

test('R12: a Kafka topic that is deleted and made again is read from its beginning, by the subscription that was on the old one', {
  timeout: 300_000,
}, async (ctx) => {
  const kafka = inject('kafka');
  if (kafka === null) return ctx.skip('no Kafka');
  const client = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING });
  const admin = client.admin();
  await admin.connect();
  await using port = await openPort({ backend: 'kafka', config: { brokers: [...kafka.brokers] } });
  const recoveredMs: number[] = [];
  const verdicts: Verdict[] = [];
  for (let round = 0; round < rounds(1, 5); round += 1) {
    for (const size of sizes) {
      const topic = uniqueName('made-again');
      await port.createTopic({ name: topic });
      await port.createSubscription({ name: topic, topic, start: 'earliest', onExhausted: 'block' });
      const ledger = new AckedLedger();
      const receptions = new Receptions();
      const consumer = await port.subscribe(topic, { credit: { messages: 500 } });
      const reading = (async () => {
        for await (const { token, message } of consumer) {
          const [lane = 0, number = 0] = String(message.value).split(':').map(Number);
          receptions.note(lane, number);
          await port.ack(topic, [token]);
        }
      })();
      await publish(0, FIRST);
      await until('the old topic is read', () => receptions.count === FIRST);
      await until('it is acknowledged', async () => (await port.lag(topic)).total === 0);

      await admin.deleteTopics({ topics: [topic] });
      await until('it is gone', async () => !(await admin.listTopics()).includes(topic));
      await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
      const madeAgainMs = performance.now();
      await publish(1, size);
      await until(
        () => `${FIRST + size} read, of which ${receptions.count} are`,
        () => receptions.count === FIRST + size,
        30_000,
      );
      recoveredMs.push(Math.round(performance.now() - madeAgainMs));
      await consumer.close();
      await reading;
      verdicts.push(ledger.verdict(receptions));
      ledger.close();

      async function publish(lane: number, count: number): Promise<void> {
        const numbers = ledger.send(lane, count);
        const deadline = performance.now() + 10_000;
        // Right after the topic came back its leader may not be known yet: a refused message is published again.
        for (let left = numbers; left.length > 0; ) {
          const outcomes = await port.publish(
            topic,
            left.map((number) => ({ value: `${lane}:${number}` })),
          );
          for (const [index, { kind }] of outcomes.entries()) {
            if (kind === 'stored') ledger.answered(lane, left[index] as number, 'stored');
          }
          left = left.filter((_, index) => outcomes[index]?.kind !== 'stored');
          if (performance.now() > deadline) throw new Error(`${left.length} of ${topic} were not stored`);
        }
      }
    }
  }
  await admin.disconnect();
  const [first, ...more] = verdicts;
  if (first === undefined) throw new Error('no round was run');
  const all = [first, ...more];
  const row = {
    fault: 'R12-topic' as const,
    system: `kafka ${kafka.version}`,
    rounds: `${verdicts.length} x made again`,
    ...totals([first, ...more]),
    sent: all.reduce((sum, { sent }) => sum + sent, 0),
    stored: all.reduce((sum, { stored }) => sum + stored, 0),
    recoveredMs,
    notes: 'until all of the new topic was read',
  };
  keepRows(inject('faultResultsDir'), [row]);
  expect(row).toMatchObject({ lost: 0, phantom: 0 });
  expect(Math.max(...recoveredMs)).toBeLessThan(RECOVERED_MS);
});
