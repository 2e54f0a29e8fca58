/** The layers above the port, over the native log: the same messages through REST and gRPC, checked as everywhere. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compare } from '../../src/compare/index.ts';
import { CoalescingPublisher, coalescingLimits } from '../../src/compare/gateway/coalescing-publisher.ts';
import { withDescendants } from '../../src/compare/usage/process-usage.ts';
import { blameLayer } from '../../src/compare/load/limited-by.ts';
import type { SendResult, WireMessage } from '../../src/compare/systems/wire.ts';
import { type WorkloadSpec, workloadsOf } from '../../src/compare/workloads/index.ts';
import { workloadRow } from './builders.ts';

describe('a workload through a gateway', { timeout: 120_000 }, () => {
  it('loses, doubles and invents nothing by REST and by gRPC, and its gateway is gone afterwards', async () => {
    const spec: WorkloadSpec = {
      ...(workloadsOf('smoke')[0] as WorkloadSpec),
      layers: ['rest', 'grpc'],
      ratePerSecond: 500,
      messages: 500,
      warmupMs: 200,
      measuredMs: 800,
    };
    const seen: string[] = [];
    const report = await compare({
      systems: ['log'],
      systemsAreRequired: true,
      allowsRemote: false,
      layers: ['rest', 'grpc'],
      profile: 'smoke',
      repeats: 1,
      seed: 7,
      scenarioIds: [],
      workloads: [{ spec }],
      assertions: [],
      command: 'test',
      onProgress: () => void seen.push(...gatewaysOfThisProcess()),
    });
    expect(seen).not.toEqual([]);
    expect(report.workloads.map(({ layer }) => layer)).toEqual(['rest', 'grpc']);
    for (const row of report.workloads) {
      expect(row.checks).toMatchObject({ sent: 500, acked: 500, received: 500, lost: 0, duplicated: 0, phantom: 0 });
      expect(row.durability).toEqual({ persistence: 'fsync', copies: 1 });
      // The gateway is the system here, and it is another process.
      expect(row.cost.brokerCpuSecondsPerMillion).toBeGreaterThan(0);
      expect(row.latencyMs.endToEnd.count).toBeGreaterThan(0);
    }
    expect(gatewaysOfThisProcess()).toEqual([]);
  });
});

describe('a publisher that gathers', () => {
  const message = (bytes: number): WireMessage => ({ key: null, value: Buffer.alloc(bytes) });
  const acked = (count: number): SendResult[] => Array.from({ length: count }, () => ({ fate: 'acked' }));

  it('sends what came while requests were under way together, and answers each message once', async () => {
    const sizes: number[] = [];
    const publisher = new CoalescingPublisher(async (messages) => {
      sizes.push(messages.length);
      await new Promise<void>((resolve) => setImmediate(resolve));
      return acked(messages.length);
    });
    const settled: number[] = [];
    for (let i = 0; i < 100; i++) publisher.publish([message(10)], () => void settled.push(i));
    await publisher.close();
    expect(settled.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(sizes.slice(0, coalescingLimits.requestsMax)).toEqual(
      Array.from({ length: coalescingLimits.requestsMax }, () => 1),
    );
    expect(sizes.slice(coalescingLimits.requestsMax)).toEqual([100 - coalescingLimits.requestsMax]);
  });

  it('keeps to the bytes of a request, and lets one message be larger', async () => {
    const sizes: number[] = [];
    const publisher = new CoalescingPublisher((messages) => {
      sizes.push(messages.length);
      return Promise.resolve(acked(messages.length));
    });
    const half = coalescingLimits.bytesPerRequestMax / 2;
    publisher.publish([message(half * 3), message(half), message(half), message(half)], () => {});
    await publisher.close();
    expect(sizes).toEqual([1, 2, 1]);
  });

  it('calls everything unknown when nobody knows', async () => {
    const publisher = new CoalescingPublisher(() => Promise.reject(new Error('cut')));
    const fates: SendResult[] = [];
    publisher.publish([message(1), message(1)], (_, result) => void fates.push(result));
    await publisher.close();
    expect(fates.map(({ fate }) => fate)).toEqual(['unknown', 'unknown']);
  });
});

describe('what limited a row through a gateway', () => {
  const port = workloadRow({ layer: 'port', publish: { messagesPerSecond: 1000, megabytesPerSecond: 1 } });
  const rest = (messagesPerSecond: number) =>
    workloadRow({ layer: 'rest', limitedBy: 'broker', publish: { messagesPerSecond, megabytesPerSecond: 1 } });
  it.each([
    [500, 'gateway'],
    [950, 'broker'],
  ])('at %i against the 1000 of the port is the %s', (rate, limitedBy) => {
    expect(blameLayer([port, rest(rate)])[1]?.limitedBy).toBe(limitedBy);
  });
});

/** Command lines of the gateways that this process began. */
function gatewaysOfThisProcess(): readonly string[] {
  return withDescendants([process.pid]).flatMap((pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return line.includes(' serve --backend ') ? [line] : [];
    } catch {
      return []; // gone meanwhile
    }
  });
}
