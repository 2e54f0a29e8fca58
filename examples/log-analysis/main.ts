/**
 * Log collection and analysis. A collector publishes each line of the files that are given (or of the sample) as the bytes that it
 * is; an analysis groups lines into patterns and counts levels; an archive writes each file anew. Both read the same lines by
 * subscriptions of their own, and at the end the archive is compared with the files, byte by byte.
 *
 *   npm run example log-analysis -- /var/log/auth.log /var/log/syslog
 */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { valueBytes } from 'sluice/client';
import { openGateway } from '../gateway.ts';
import { until } from '../waiting.ts';

const sample = join(import.meta.dirname, '..', 'traces', 'login-attempts.txt');
/** One message has room for this; a longer line is cut in pieces, which the archive puts together again. */
const pieceBytesMax = 256 * 1024;
const shown = 8;
const exitUsage = 2;

await using gateway = await openGateway('log-analysis');
const { client } = gateway;
const paths = gateway.files.length > 0 ? gateway.files : [sample];
const files = await Promise.all(paths.map(contentOf));

const topic = await gateway.topic('lines', { partitions: 4 });
// Neither needs an order: patterns are counted, and the archive puts lines into their place by their number. So lines of one file
// are worked off side by side, where an order by file would be one line after the other.
const analysis = await gateway.subscription('analysis', topic);
const archive = await gateway.subscription('archive', topic);

// ------------------------------------------------------------------------------------------------ two readers

const patterns = new Map<string, number>();
const levels = new Map<string, number>();
const analysed = new Set<string>();
const analysing = client.subscribe(analysis, { credit: 500, encoding: 'base64' });
const analysisDone = analysing.run(
  (message) => {
    if (analysed.has(message.id ?? '')) return;
    analysed.add(message.id ?? '');
    const line = valueBytes(message)?.toString().trimEnd() ?? '';
    count(levels, /\b(TRACE|DEBUG|INFO|WARN(?:ING)?|ERROR|FATAL)\b/.exec(line)?.[1] ?? 'none named');
    count(patterns, patternOf(line));
  },
  { concurrency: 100 },
);

const archived = new Map<string, Map<number, Buffer>>();
let archivedCount = 0;
const archiving = client.subscribe(archive, { credit: 500, encoding: 'base64' });
const archiveDone = archiving.run(
  (message) => {
    const file = String(message.headers['file']);
    const lines = archived.get(file) ?? new Map<number, Buffer>();
    archived.set(file, lines);
    const number = Number(message.headers['number']);
    if (!lines.has(number)) archivedCount += 1;
    lines.set(number, valueBytes(message) ?? Buffer.alloc(0));
  },
  { concurrency: 100 },
);

// ------------------------------------------------------------------------------------------------ the collector

const startedMs = performance.now();
let published = 0;
async function* linesOf() {
  for (const [index, content] of files.entries())
    for (const [number, bytes] of pieces(content).entries())
      yield {
        id: `${index}-${number}`,
        value: bytes,
        headers: { file: String(index), number: String(number) },
      };
}
for await (const outcome of client.publishStream(topic, linesOf())) {
  if (outcome.kind !== 'stored') throw new Error(`a line was not stored: ${outcome.error.code}`);
  published += 1;
}
const publishedMs = performance.now() - startedMs;
await until('both have read every line', () => analysed.size === published && archivedCount === published);
const readMs = performance.now() - startedMs;
await Promise.all([analysing.close(), archiving.close()]);
await Promise.all([analysisDone, archiveDone]);

// ------------------------------------------------------------------------------------------------ what came of it

console.log(`${published} lines of ${files.length === 1 ? basename(paths[0] as string) : `${files.length} files`}`);
console.log(`collected at ${perSecond(published, publishedMs)}, read by both after ${Math.round(readMs)} ms\n`);
console.log(
  `levels: ${[...levels]
    .toSorted((a, b) => b[1] - a[1])
    .map(([level, lines]) => `${lines} ${level}`)
    .join(', ')}`,
);
console.log(`\n${patterns.size} patterns, the most frequent:`);
for (const [pattern, lines] of [...patterns].toSorted((a, b) => b[1] - a[1]).slice(0, shown))
  console.log(`${String(lines).padStart(7)}  ${pattern.slice(0, 110)}`);
const rare = [...patterns].filter(([, lines]) => lines === 1).length;
console.log(`${rare} of them were seen once`);

const isWhole = files.every((content, index) => {
  const lines = [...(archived.get(String(index)) ?? [])].toSorted((a, b) => a[0] - b[0]).map(([, bytes]) => bytes);
  return digest(Buffer.concat(lines)) === digest(content);
});
console.log(isWhole ? '\nthe archive is the files, byte by byte' : '\nTHE ARCHIVE IS NOT WHAT WAS COLLECTED');
process.exitCode = isWhole ? 0 : 1;

/** Lines with their ends, so that nothing has to be made up when they are put together. */
function pieces(content: Buffer): readonly Buffer[] {
  const found: Buffer[] = [];
  for (let from = 0; from < content.length; ) {
    const newline = content.indexOf(0x0a, from);
    const end = Math.min(newline === -1 ? content.length : newline + 1, from + pieceBytesMax);
    found.push(content.subarray(from, end));
    from = end;
  }
  return found;
}

/** What varies is masked: times, addresses, numbers, and names that hold digits. */
function patternOf(line: string): string {
  return line
    .replace(/^(?:[A-Z][a-z]{2} +\d+ [\d:]+|[\d/:., T-]{8,})/, '')
    .replaceAll(/\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b/g, '<address>')
    .replaceAll(/\b0x[\da-f]+\b|\b[\w-]*\d[\w-]*\b/gi, '<n>')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

function count(counts: Map<string, number>, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}

function perSecond(howMany: number, ms: number): string {
  return `${Math.round((howMany / ms) * 1000)} lines a second`;
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function contentOf(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (reason) {
    console.error(`log-analysis: ${(reason as Error).message}`);
    await gateway[Symbol.asyncDispose]();
    process.exit(exitUsage);
  }
}
