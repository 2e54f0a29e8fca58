import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openPort } from '../../src/adapters/index.ts';
import type { MessagingPort } from '../../src/adapters/port.ts';
import { AckedLedger, Receptions } from './ledger.ts';
import { Load } from './load.ts';
import { type FaultRow, keepRows, totals } from './rows.ts';
import { configOf, type FaultSystem, systemsOf } from './systems.ts';
import { rounds, uniqueName, until } from './waiting.ts';

const SECOND = 1_000;
const MEBIBYTE = 1024 * 1024;
const resultsDir = inject('faultResultsDir');

interface Backend {
  readonly name: 'native' | 'rabbitmq' | 'kafka';
  readonly port: MessagingPort;
  /** Of another process, as far as the broker can tell; on the native log, whose directory has one owner, the same. */
  readonly other: MessagingPort;
  readonly systems: readonly FaultSystem[];
}

const backends: Backend[] = [];
const dataDir = mkdtempSync(join(tmpdir(), 'sluice-consumers-'));

beforeAll(async () => {
  const native = await openPort({ backend: 'native', config: { dataDir } });
  backends.push({ name: 'native', port: native, other: native, systems: [{ system: 'native', topic: {} }] });
  for (const kind of ['rabbitmq', 'kafka'] as const) {
    const handle = inject(kind);
    if (handle === null) continue; // the setup has said why
    const open = async () => await openPort({ backend: kind, config: configOf(handle) });
    backends.push({ name: kind, port: await open(), other: await open(), systems: systemsOf(kind) });
  }
});

afterAll(async () => {
  await Promise.all(backends.flatMap(({ port, other }) => [port.close(), other.close()]));
  rmSync(dataDir, { recursive: true, force: true });
});

/** On each system at the same time; the rows that they give. */
async function onEach(work: (backend: Backend, system: FaultSystem) => Promise<FaultRow>): Promise<FaultRow[]> {
  const all = backends.flatMap((backend) => backend.systems.map(async (system) => await work(backend, system)));
  const rows = await Promise.all(all);
  keepRows(resultsDir, rows);
  return rows;
}

function named(backend: Backend, { system }: FaultSystem): string {
  return backend.name === 'native' ? system : `${system} ${backend.port.info.version}`;
}

describe('R15: a consumer that reads a message a second', () => {
  it('costs neither memory nor the other subscription anything, and the lag tells of it', {
    timeout: 300_000,
  }, async () => {
    const seconds = rounds(8, 60);
    const before = process.memoryUsage.rss();
    const rows = await onEach(async (backend, { system, topic }) => {
      const { port } = backend;
      const name = uniqueName(`slow-${system}`);
      await port.createTopic({ name, ...topic });
      for (const each of ['slow', 'quick']) {
        await port.createSubscription({
          name: `${name}-${each}`,
          topic: name,
          onExhausted: 'block',
          ackDeadlineMs: 600_000,
        });
      }
      const ledger = new AckedLedger();
      const [slow, quick] = [new Receptions(), new Receptions()];
      await using slowConsumer = await port.subscribe(`${name}-slow`, { credit: { messages: 10 } });
      await using quickConsumer = await port.subscribe(`${name}-quick`, { credit: { messages: 500 } });
      let isOver = false;
      const slowly = (async () => {
        while (!isOver) {
          const [delivery] = await slowConsumer.pull({ maxMessages: 1, waitMs: 200 });
          if (delivery === undefined) continue;
          slow.note(0, Number(delivery.message.value));
          await port.ack(`${name}-slow`, [delivery.token]);
          await delay(SECOND);
        }
      })();
      const quickly = (async () => {
        while (!isOver || quick.count < ledger.stored) {
          const deliveries = await quickConsumer.pull({ maxMessages: 500, waitMs: 100 });
          for (const { message } of deliveries) quick.note(0, Number(message.value));
          if (deliveries.length > 0)
            await port.ack(
              `${name}-quick`,
              deliveries.map(({ token }) => token),
            );
        }
      })();
      const endsAt = performance.now() + seconds * SECOND;
      while (performance.now() < endsAt) {
        const numbers = ledger.send(0, 100);
        const outcomes = await port.publish(
          name,
          numbers.map((number) => ({ value: String(number) })),
        );
        for (const [index, { kind }] of outcomes.entries()) ledger.answered(0, numbers[index] as number, kind);
        await delay(SECOND / 10);
      }
      isOver = true;
      await Promise.all([slowly, quickly]);
      const verdict = ledger.verdict(quick);
      ledger.close();
      const { total } = await port.lag(`${name}-slow`);
      expect(total, `${system}: the lag of the slow one`).toBe(verdict.stored - slow.count);
      await port.deleteTopic(name);
      return {
        fault: 'R15',
        system: named(backend, { system, topic }),
        rounds: `${seconds} s`,
        ...totals([verdict]),
        recoveredMs: [],
        notes: `${slow.count} read slowly, lag ${total}`,
      };
    });
    const grownBytes = process.memoryUsage.rss() - before;
    expect(grownBytes / rows.length / MEBIBYTE, 'MiB per system').toBeLessThan(50);
    for (const row of rows) expect(row, row.system).toMatchObject({ lost: 0, phantom: 0, refused: 0 });
  });
});

describe('R16: a consumer that takes messages and never settles them', () => {
  it('loses them to another one within the deadline and a second, attempts counted, until they are dead letters', {
    timeout: 300_000,
  }, async () => {
    const count = rounds(20, 200);
    const ackDeadlineMs = 1_000;
    const maxAttempts = 3;
    const backoffMs = 100;
    const rows = await onEach(async (backend, { system, topic }) => {
      const { port } = backend;
      const name = uniqueName(`stuck-${system}`);
      await port.createTopic({ name, ...topic });
      await port.createSubscription({
        name,
        topic: name,
        ackDeadlineMs,
        retry: { minBackoffMs: backoffMs, maxBackoffMs: backoffMs, maxAttempts },
      });
      const ledger = new AckedLedger();
      const numbers = ledger.send(0, count);
      await using stuck = await port.subscribe(name, { credit: { messages: count } });
      const outcomes = await port.publish(
        name,
        numbers.map((number) => ({ value: String(number) })),
      );
      for (const [index, { kind }] of outcomes.entries()) ledger.answered(0, numbers[index] as number, kind);
      const takenAtMs = new Map<number, number>();
      while (takenAtMs.size < count) {
        for (const { message, attempt } of await stuck.pull({ maxMessages: count, waitMs: 5_000 })) {
          expect(attempt).toBe(1);
          takenAtMs.set(Number(message.value), performance.now());
        }
      }
      // Both take part from now on: the stuck one is full and gets nothing more until its leases end.
      await using other = await port.subscribe(name, { credit: { messages: count * maxAttempts } });
      let latestMs = 0;
      const attempts = new Map<number, number[]>();
      const isDone = () =>
        attempts.size === count && [...attempts.values()].every((seen) => seen.at(-1) === maxAttempts);
      const deadline = performance.now() + 30 * SECOND;
      while (!isDone() && performance.now() < deadline) {
        for (const consumer of [other, stuck]) {
          for (const { message, attempt } of await consumer.pull({ maxMessages: count, waitMs: 20 })) {
            const number = Number(message.value);
            const sinceMs = performance.now() - (takenAtMs.get(number) ?? 0);
            latestMs = Math.max(latestMs, sinceMs);
            takenAtMs.set(number, performance.now());
            attempts.set(number, [...(attempts.get(number) ?? []), attempt]);
          }
        }
      }
      for (const [number, seen] of attempts) expect(seen, `${system}: message ${number}`).toEqual([2, 3]);
      const letters = new Receptions();
      await until(
        () => `${count} dead letters on ${system}, of which ${letters.count} are there`,
        async () => {
          const { messages } = await port.read(`${name}.dead`, 0, 'earliest', 1_000);
          for (const { value } of messages) if (!letters.has(0, Number(value))) letters.note(0, Number(value));
          return letters.count === count;
        },
      );
      const verdict = ledger.verdict(letters);
      ledger.close();
      expect(latestMs, `${system}: from being taken to coming again`).toBeLessThan(ackDeadlineMs + backoffMs + SECOND);
      await port.deleteTopic(name);
      await port.deleteTopic(`${name}.dead`);
      return {
        fault: 'R16',
        system: named(backend, { system, topic }),
        rounds: `${count} x ${maxAttempts} attempts`,
        ...totals([verdict]),
        recoveredMs: [],
        notes: `came again ${Math.round(latestMs)} ms after being taken at the latest, the deadline being ${ackDeadlineMs}; all dead letters`,
      };
    });
    for (const row of rows) expect(row, row.system).toMatchObject({ lost: 0, phantom: 0 });
  });
});

describe('R17: consumers that join and leave every 200 ms', () => {
  it('lose nothing, and nothing waits for long', { timeout: 600_000 }, async () => {
    const seconds = rounds(10, 60);
    const rows = await onEach(async (backend, { system, topic }) => {
      const load = await Load.start(backend.port, { system, topic, lanes: 3, paceMs: 30 });
      await load.flowed(100);
      let members = 0;
      load.watchGaps();
      const endsAt = performance.now() + seconds * SECOND;
      while (performance.now() < endsAt) {
        const leave = await load.join(backend.other);
        members += 1;
        await delay(200);
        await leave();
      }
      const gapMs = load.longestGapMs;
      const { none, key } = await load.audit();
      await load.end();
      await backend.port.deleteTopic(load.topic);
      return {
        fault: 'R17',
        system: named(backend, { system, topic }),
        rounds: `${members} members in ${seconds} s`,
        ...totals([none, key]),
        recoveredMs: [],
        notes: `longest silence ${(gapMs / SECOND).toFixed(1)} s`,
        gapMs,
      };
    });
    for (const row of rows) {
      expect(row, row.system).toMatchObject({ lost: 0, phantom: 0, refused: 0, reordered: 0 });
      expect((row as FaultRow & { gapMs: number }).gapMs, row.system).toBeLessThan(10 * SECOND);
    }
  });
});
