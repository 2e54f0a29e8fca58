import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, inject, it } from 'vitest';
import type { HeapReport, HeapTask } from './heap-child.ts';
import { type FaultRow, keepRows } from './rows.ts';
import { configOf, systemsOf } from './systems.ts';
import { rounds, uniqueName } from './waiting.ts';

const HEAP_MB = 256;
/**
 * The heap, Node itself, and the buffers outside of the heap: 64 MiB in flight, as often as a message is held on its way, and what the
 * publisher made for calls that were turned away, until it is collected: a million messages are several hundred MiB of that.
 */
const RSS_MAX_BYTES = rounds(640, 896) * 1024 * 1024;
const messages = rounds(60_000, 1_000_000);
const run = promisify(execFile);

describe('R18: a heap of 256 MB and more messages than fit', () => {
  it.each(['native', 'rabbitmq', 'kafka'] as const)(
    '%s: the process never runs out of memory: it turns calls away, and stores them when they come again',
    { timeout: 1_800_000 },
    async (backend) => {
      const directory = mkdtempSync(join(tmpdir(), 'sluice-heap-'));
      try {
        const handle = backend === 'native' ? null : inject(backend);
        if (backend !== 'native' && handle === null) return; // the setup has said why
        const systems = backend === 'native' ? [{ system: 'native', topic: {} }] : systemsOf(backend);
        for (const { system, topic } of systems) {
          const config = handle === null ? { dataDir: join(directory, 'data') } : configOf(handle);
          const report = await child({
            backend,
            config,
            topic: { name: uniqueName(`heap-${system}`), partitions: 3, ...topic },
            messages,
          });
          const away = Object.values(report.turnedAway).reduce((sum, each) => sum + each, 0);
          const row: FaultRow = {
            fault: 'R18',
            system: handle === null ? system : `${system} ${handle.version}`,
            rounds: `${messages} x 1 KiB`,
            sent: messages,
            stored: report.stored,
            unknown: report.unknown,
            refused: away,
            lost: report.lost,
            lostPrefix: 0,
            lostMiddle: report.lost,
            lostSuffix: 0,
            duplicated: report.duplicated,
            phantom: 0,
            refusedButThere: 0,
            reordered: 0,
            recoveredMs: [],
            notes: `peak resident set ${Math.round(report.peakRssBytes / 1024 / 1024)} MiB; turned away: ${Object.keys(report.turnedAway).join(', ')}; each made again`,
          };
          keepRows(inject('faultResultsDir'), [row]);
          expect(Object.keys(report.turnedAway), system).toEqual(
            expect.arrayContaining([expect.stringMatching(/^(too_many_in_flight|overloaded)$/)]),
          );
          // On a machine that is busy with other things, what waits for its turn may see the end of its 30 s.
          expect(report.stored + report.unknown, system).toBe(messages);
          expect(report.lost, system).toBe(0);
          expect(report.peakRssBytes, system).toBeLessThan(RSS_MAX_BYTES);
        }
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    },
  );
});

/** Fails with the end of what the process said when it ended otherwise than in good order: out of memory is status 134. */
async function child(task: HeapTask): Promise<HeapReport> {
  const script = join(import.meta.dirname, 'heap-child.ts');
  const args = [`--max-old-space-size=${HEAP_MB}`, '--import', 'tsx', script, JSON.stringify(task)];
  const { stdout } = await run(process.execPath, args, { maxBuffer: 16 * 1024 * 1024 });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as HeapReport;
}
