/**
 * A process that appends until it is killed: `node --import tsx writer.ts <dataDir> <life>`. On its output, one line each, before
 * and after: `sent <partition> <id> ...` and `acked <partition> <offset> <id> ...`. With `hold` instead of a life it only opens.
 */

import fs from 'node:fs';
import { pathToFileURL } from 'node:url';
import { type Engine, openEngine } from '../../src/core-log/index.ts';

export const crash = {
  topic: 'crash',
  partitions: 3,
  segmentBytes: 64 * 1024,
  appenders: 12,
  /** The first of them ask for `os`, the others for `fsync`. */
  unsyncedAppenders: 4,
} as const;

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await write();

async function write(): Promise<void> {
  const [dataDir = '', life = ''] = process.argv.slice(2);
  const engine = await openEngine({ dataDir });
  say('opened');
  if (life === 'hold') {
    setInterval(() => undefined, 60_000);
    return;
  }
  if (engine.topic(crash.topic) === undefined)
    await engine.createTopic(crash.topic, { partitions: crash.partitions, segmentBytes: crash.segmentBytes });
  for (let appender = 0; appender < crash.appenders; appender += 1) void append(engine, life, appender);
}

async function append(engine: Engine, life: string, appender: number): Promise<void> {
  const partition = appender % crash.partitions;
  const durability = appender < crash.unsyncedAppenders ? 'os' : 'fsync';
  for (let round = 0; ; round += 1) {
    const ids = Array.from({ length: 1 + (round % 4) }, (_, index) => `${life}:${appender}:${round * 4 + index}`);
    say(`sent ${partition} ${ids.join(' ')}`);
    const records = ids.map((id) => ({ key: id, value: id.padEnd(20 + ((round * 37) % 700), '.') }));
    const { baseOffset } = await engine.append(crash.topic, partition, records, { durability });
    say(`acked ${partition} ${baseOffset} ${ids.join(' ')}`);
  }
}

/** Before anything else happens the line is in the pipe, whole: a full pipe is tried again until its reader has read. */
function say(line: string): void {
  const bytes = Buffer.from(`${line}\n`);
  for (let written = 0; written < bytes.length; ) {
    try {
      written += fs.writeSync(1, bytes, written);
    } catch (reason) {
      if ((reason as NodeJS.ErrnoException).code !== 'EAGAIN') throw reason;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}

const pause = new Int32Array(new SharedArrayBuffer(4));
