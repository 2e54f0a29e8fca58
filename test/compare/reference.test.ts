/** The reference rows without a broker: their names in the plan, their frames, and what the independent tools print. */

import { describe, expect, test } from 'vitest';
import { isAgreement } from '../../src/compare/agreement/agreement.ts';
import { readAmqpLoop, readEndToEndLatency, readProducerPerformance } from '../../src/compare/agreement/tools.ts';
import { FrameCutter, FrameReader, FrameWriter } from '../../src/compare/reference/frames.ts';
import { cellName, isAsked, runPlanOf } from '../../src/compare/run/plan.ts';
import { scenarios } from '../../src/compare/scenarios/index.ts';
import { shareGroupRows } from '../../src/compare/scenarios/share-groups.ts';
import { isSystemName, namesOn, referenceNames, systemIds, systemOf } from '../../src/compare/systems/system-ids.ts';
import { workloadsOf } from '../../src/compare/workloads/index.ts';

describe('names', () => {
  test('each system that is asked for brings its reference rows, and only on their layer', () => {
    expect(namesOn('reference', ['kafka'])).toEqual(['kafka-java', 'kafka-share']);
    expect(namesOn('reference', systemIds).toSorted()).toEqual([...referenceNames].toSorted());
    expect(namesOn('bare', ['kafka', 'kafka-share'])).toEqual(['kafka']);
    expect(namesOn('reference', ['kafka', 'kafka-share'])).toEqual(['kafka-java', 'kafka-share']);
    expect(namesOn('reference', ['log', 'rabbitmq-quorum@3.10'])).toEqual([]);
  });

  test('each belongs to a system and may be asked for by its own name', () => {
    for (const name of referenceNames) {
      expect(isSystemName(name)).toBe(true);
      expect(systemIds).toContain(systemOf(name));
    }
    expect(isSystemName('kafka-share@4.3')).toBe(false);
    expect(isSystemName('toString')).toBe(false);
  });

  test('smoke has none of them unless the layer is named', () => {
    const question = {
      systems: systemIds,
      profile: 'smoke',
      repeats: 1,
      seed: 1,
      scenarioIds: [],
      workloads: workloadsOf('smoke').map((spec) => ({ spec })),
    } as const;
    const cellsOn = (layers: Parameters<typeof runPlanOf>[0]['layers']) =>
      runPlanOf({ ...question, layers }).cells.map(cellName);
    expect(cellsOn(['bare', 'port']).filter((name) => name.includes('/reference/'))).toEqual([]);
    const named = cellsOn(['reference']);
    expect(named).toHaveLength(2 * referenceNames.length);
    expect(named.filter((name) => name.endsWith('/again'))).toEqual([]);
  });

  test('a standard run of everything repeats them twice, one that was asked for less as often as all else', () => {
    const question = {
      systems: ['kafka'],
      layers: ['bare', 'reference'],
      profile: 'standard',
      repeats: 5,
      seed: 1,
      scenarioIds: [],
      workloads: workloadsOf('standard').map((spec) => ({ spec })),
    } as const;
    const cellsOf = (asksSlowOnAllLayers: boolean, layer: string) =>
      runPlanOf({ ...question, asksSlowOnAllLayers }).cells.filter((cell) => cell.layer === layer && !cell.isTwin);
    expect(cellsOf(false, 'reference')).toHaveLength(2 * 2 * 2);
    expect(cellsOf(true, 'reference')).toHaveLength(2 * 2 * 5);
    expect(cellsOf(false, 'bare')).toHaveLength(cellsOf(true, 'bare').length);
  });

  test('only share groups are put to scenarios, and to those of their table', () => {
    expect(referenceNames.filter((name) => isAsked(name, 'reference'))).toEqual(['kafka-share']);
    const asked = scenarios.filter(({ layers }) => layers.includes('reference')).map(({ id }) => id);
    expect(asked.toSorted()).toEqual(shareGroupRows.map(({ id }) => id).toSorted());
  });
});

describe('frames', () => {
  const frame = () =>
    new FrameWriter(7)
      .int(-5)
      .long(2 ** 40)
      .double(0.1)
      .boolean(true)
      .text('grün')
      .bytes(Buffer.alloc(1_000, 3))
      .bytes(null)
      .ints(Int32Array.of(1, -1))
      .doubles(Float64Array.of(1.5))
      .frame();

  test('hold what was written, also beyond their first room', () => {
    const whole = frame();
    expect(whole.readInt32BE(0)).toBe(whole.length - 4);
    const read = new FrameReader(whole.subarray(4));
    expect([read.byte(), read.int(), read.long(), read.double(), read.boolean(), read.text()]).toEqual([
      7,
      -5,
      2 ** 40,
      0.1,
      true,
      'grün',
    ]);
    expect(read.bytes()).toEqual(Buffer.alloc(1_000, 3));
    expect(read.bytes()).toBeNull();
    expect([...read.ints(2), ...read.doubles(1)]).toEqual([1, -1, 1.5]);
  });

  test.each([1, 3, 7, 5_000])('come out whole of a stream in pieces of %i bytes', (size) => {
    const stream = Buffer.concat([frame(), new FrameWriter(9).frame(), frame()]);
    const found: Buffer[] = [];
    const cutter = new FrameCutter((one) => found.push(Buffer.from(one)));
    for (let at = 0; at < stream.length; at += size) cutter.push(stream.subarray(at, at + size));
    expect(found).toEqual([frame().subarray(4), Buffer.of(9), frame().subarray(4)]);
  });
});

test.each([
  [1, true],
  [1.15, true],
  [1.16, false],
  [0.87, true],
  [0.86, false],
  [Number.NaN, false],
])('a ratio of %d is agreement: %s', (ratio, agrees) => {
  expect(isAgreement(ratio)).toBe(agrees);
});

describe('what the tools print', () => {
  test('ProducerPerformance: the steady state, not the whole with its warm-up', () => {
    const said = `Warmup first 100000 records. Steady state results will print after the complete test summary.
200000 records sent, 32372.936225 records/sec (31.61 MB/sec), 106.49 ms avg latency, 522.00 ms max latency, 86 ms 50th.
100000 steady state records sent, 49751.243781 records/sec (48.59 MB/sec), 65.60 ms avg latency, 152.00 ms max latency.`;
    expect(readProducerPerformance(said)).toEqual({ messagesPerSecond: 49751.243781, latencyMs: 65.6 });
    expect(() => readProducerPerformance(said.split('\n').slice(0, 2).join('\n'))).toThrow(/steady state/);
  });

  test('EndToEndLatency: the average', () => {
    expect(readEndToEndLatency('2000\t0.85\nAvg latency: 2.7695 ms\nPercentiles: 50th = 1')).toBe(2.7695);
    expect(() => readEndToEndLatency('')).toThrow(/no average/);
  });

  test('the loop: its line', () => {
    expect(readAmqpLoop('14757.3 messages/s, 5.1980 ms to reception, 3.2000 ms to confirm\n')).toEqual({
      messagesPerSecond: 14757.3,
      endToEndMs: 5.198,
      confirmMs: 3.2,
    });
    expect(() => readAmqpLoop('a publish was refused')).toThrow(/no result/);
  });
});
