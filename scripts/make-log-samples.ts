/**
 * Makes log files in the shapes of HDFS, Hadoop, OpenSSH and Spark logs from a seed, so that tests and examples need no log of
 * anybody's. Same seed, same bytes.
 *
 *   npx tsx scripts/make-log-samples.ts OUT-DIRECTORY [SEED] [LINES]
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export const logShapes = ['hdfs', 'hadoop', 'openssh', 'spark'] as const;
export type LogShape = (typeof logShapes)[number];

type Random = () => number;

interface ShapeRow {
  readonly startMs: number;
  /** Mean distance of two lines. */
  readonly meanStepMs: number;
  /** Timestamps are cut to this. */
  readonly resolutionMs: number;
  line(at: Date, random: Random): string;
}

const shapes: Readonly<Record<LogShape, ShapeRow>> = {
  hdfs: { startMs: Date.UTC(2021, 2, 3, 4, 5, 6), meanStepMs: 60_000, resolutionMs: 1000, line: hdfsLine },
  hadoop: { startMs: Date.UTC(2022, 5, 7, 8, 9, 10), meanStepMs: 250, resolutionMs: 1, line: hadoopLine },
  openssh: { startMs: Date.UTC(2023, 10, 11, 12, 13, 14), meanStepMs: 7_000, resolutionMs: 1000, line: opensshLine },
  spark: { startMs: Date.UTC(2024, 0, 2, 3, 4, 5), meanStepMs: 15, resolutionMs: 1000, line: sparkLine },
};

/** Exactly `lines` lines, each beginning with a timestamp, times never going back, joined and ended with \n. */
export function makeLogSample(shape: LogShape, seed: number, lines: number): string {
  const random = seededRandom(seed);
  const row = shapes[shape];
  let atMs = row.startMs;
  let text = '';
  for (let line = 0; line < lines; line += 1) {
    text += `${row.line(new Date(atMs - (atMs % row.resolutionMs)), random)}\n`;
    atMs += Math.round(-Math.log(1 - random()) * row.meanStepMs);
  }
  return text;
}

/** Numbers in [0, 1): mulberry32, small and the same everywhere. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function hdfsLine(at: Date, random: Random): string {
  const block = `blk_${random() < 0.5 ? '-' : ''}${digits(random, 18)}`;
  const node = address(random);
  const [writer, text] = pick(random, [
    ['dfs.DataNode$PacketResponder', `PacketResponder ${whole(random, 3)} for block ${block} terminating`],
    ['dfs.DataNode$DataXceiver', `Receiving block ${block} src: /${node}:${port(random)} dest: /${node}:50010`],
    [
      'dfs.FSNamesystem',
      `BLOCK* NameSystem.addStoredBlock: blockMap updated: ${node}:50010 is added to ${block} size 67108864`,
    ],
  ]);
  const date = iso(at);
  const stamp = `${date.slice(2, 4)}${date.slice(5, 7)}${date.slice(8, 10)} ${time(at).replaceAll(':', '')}`;
  return `${stamp} ${1 + whole(random, 9000)} INFO ${writer}: ${text}`;
}

function hadoopLine(at: Date, random: Random): string {
  const thread = pick(random, ['main', 'RMCommunicator Allocator', `IPC Server handler ${whole(random, 30)} on 62270`]);
  const [level, writer, text] = pick(random, [
    [
      'INFO',
      'org.apache.hadoop.mapreduce.v2.app.rm.RMContainerAllocator',
      `Recalculating schedule, headroom=<memory:${whole(random, 9000)}, vCores:-27>`,
    ],
    [
      'INFO',
      'org.apache.hadoop.mapred.TaskAttemptListenerImpl',
      `Progress of TaskAttempt attempt_${digits(random, 13)}_0020_m_000001_0 is : 0.${digits(random, 7)}`,
    ],
    [
      'WARN',
      'org.apache.hadoop.hdfs.LeaseRenewer',
      `Failed to renew lease for [DFSClient_NONMAPREDUCE_${digits(random, 10)}_1] for ${whole(random, 300)} seconds.  Will retry shortly ...`,
    ],
  ]);
  return `${iso(at).slice(0, 10)} ${time(at)},${iso(at).slice(20, 23)} ${level} [${thread}] ${writer}: ${text}`;
}

function opensshLine(at: Date, random: Random): string {
  const user = pick(random, ['root', 'admin', 'oracle', 'guest', 'backup']);
  const text = pick(random, [
    `Failed password for ${user} from ${address(random)} port ${port(random)} ssh2`,
    `Invalid user ${user} from ${address(random)}`,
    'pam_unix(sshd:auth): check pass; user unknown',
    `Accepted password for ${user} from ${address(random)} port ${port(random)} ssh2`,
  ]);
  return `${syslogStamp(at)} gate${1 + whole(random, 3)} sshd[${20_000 + whole(random, 400)}]: ${text}`;
}

function sparkLine(at: Date, random: Random): string {
  const [writer, text] = pick(random, [
    [
      'executor.Executor',
      `Running task ${whole(random, 40)}.0 in stage ${whole(random, 30)}.0 (TID ${whole(random, 2000)})`,
    ],
    ['storage.BlockManager', `Found block rdd_${whole(random, 50)}_${whole(random, 40)} locally`],
    [
      'storage.MemoryStore',
      `Block broadcast_${whole(random, 90)} stored as values in memory (estimated size ${whole(random, 90)}.0 KB, free 418.6 KB)`,
    ],
  ]);
  return `${iso(at).slice(2, 10).replaceAll('-', '/')} ${time(at)} INFO ${writer}: ${text}`;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

/** `Nov  1 02:03:04`: the day is padded with a space. */
export function syslogStamp(at: Date): string {
  return `${months[at.getUTCMonth()]} ${String(at.getUTCDate()).padStart(2)} ${time(at)}`;
}

function iso(at: Date): string {
  return at.toISOString();
}

function time(at: Date): string {
  return iso(at).slice(11, 19);
}

function whole(random: Random, below: number): number {
  return Math.floor(random() * below);
}

function digits(random: Random, length: number): string {
  return Array.from({ length }, () => String(1 + whole(random, 9))).join('');
}

function port(random: Random): number {
  return 1024 + whole(random, 60_000);
}

/** Of the block for documentation (RFC 5737). */
function address(random: Random): string {
  return `198.51.100.${1 + whole(random, 250)}`;
}

function pick<const T extends readonly [unknown, ...unknown[]]>(random: Random, choices: T): T[number] {
  return choices[whole(random, choices.length)];
}

function main(directory: string, seed: number, lines: number): void {
  mkdirSync(directory, { recursive: true });
  for (const shape of logShapes) {
    const file = join(directory, `${shape}.log`);
    writeFileSync(file, makeLogSample(shape, seed, lines));
    console.log(`${file}: ${lines} lines, seed ${seed}`);
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [directory, seed = '1', lines = '2000'] = process.argv.slice(2);
  if (directory === undefined) {
    console.error('usage: npx tsx scripts/make-log-samples.ts OUT-DIRECTORY [SEED] [LINES]');
    process.exitCode = 2;
  } else {
    main(directory, Number(seed), Number(lines));
  }
}
