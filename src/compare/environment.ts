/** Where a run took place: everything that a reader needs to judge whether its figures could be theirs. */

import { createHash } from 'node:crypto';
import { mkdtemp, open, readdir, readFile, realpath, rm, statfs } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { cpus, loadavg, release, totalmem, type as osType } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Environment } from './report/model.ts';
import { LatencyHistogram } from './statistics/index.ts';

const fsyncProbes = 64;
const fsyncBytes = 4096;
const librariesNamed = ['amqplib', 'kafkajs'] as const;

/** `dataParent`: the directory in which the native log, and where possible the brokers, keep their data. */
export async function describeEnvironment(dataParent: string): Promise<Omit<Environment, 'generatorCeiling'>> {
  const [first] = cpus();
  return {
    cpu: { model: first?.model.trim() ?? 'unknown', cores: cpus().length, mhz: first?.speed ?? 0 },
    memoryBytes: totalmem(),
    kernel: `${osType()} ${release()}`,
    os: await osName(),
    node: process.version,
    libraries: await libraryVersions(),
    filesystem: await filesystemOf(dataParent),
    fsyncMs: await probeFsync(dataParent),
    loadAverage: { start: loadavg()[0] ?? 0, end: loadavg()[0] ?? 0 },
  };
}

/** Sluice's own version, as its package.json says. */
export async function ownVersion(): Promise<string> {
  return await versionIn(new URL('../../package.json', import.meta.url));
}

/** sha256 over Sluice's own code, as it runs: a version may have been changed without another number. */
export async function codeDigest(): Promise<string> {
  const directory = fileURLToPath(new URL('..', import.meta.url));
  const names = (await readdir(directory, { recursive: true })).filter((name) => /(?<!\.d)\.(ts|js|java)$/.test(name));
  const hash = createHash('sha256');
  for (const name of names.toSorted()) hash.update(name).update(await readFile(join(directory, name)));
  return hash.digest('hex').slice(0, 16);
}

async function osName(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(text)?.[1] ?? osType();
}

async function libraryVersions(): Promise<Readonly<Record<string, string>>> {
  const entries: [string, string][] = [['sluice', await ownVersion()]];
  for (const name of librariesNamed) entries.push([name, await installedVersion(name)]);
  return Object.fromEntries(entries);
}

/** Looked for where Node looks, since a package need not export its package.json. */
async function installedVersion(name: string): Promise<string> {
  for (const directory of createRequire(import.meta.url).resolve.paths(name) ?? []) {
    const version = await versionIn(pathToFileURL(join(directory, name, 'package.json'))).catch(() => null);
    if (version !== null) return version;
  }
  return 'unknown';
}

async function versionIn(packageJson: URL): Promise<string> {
  const parsed: unknown = JSON.parse(await readFile(packageJson, 'utf8'));
  const version = typeof parsed === 'object' && parsed !== null && 'version' in parsed ? parsed.version : null;
  return typeof version === 'string' ? version : 'unknown';
}

async function filesystemOf(path: string): Promise<Environment['filesystem']> {
  const [resolved, { bavail, bsize }, mounts] = await Promise.all([
    realpath(path),
    statfs(path),
    readFile('/proc/mounts', 'utf8').catch(() => ''),
  ]);
  // The longest mount point that the path lies under.
  const mount = mounts
    .split('\n')
    .map((line) => line.split(' '))
    .filter(
      ([, point]) =>
        point !== undefined && (resolved === point || resolved.startsWith(point === '/' ? '/' : `${point}/`)),
    )
    .toSorted((a, b) => (b[1]?.length ?? 0) - (a[1]?.length ?? 0))[0];
  return { path: resolved, type: mount?.[2] ?? 'unknown', device: mount?.[0] ?? 'unknown', freeBytes: bavail * bsize };
}

async function probeFsync(parent: string): Promise<Environment['fsyncMs']> {
  const directory = await mkdtemp(join(parent, 'fsync-probe-'));
  const histogram = new LatencyHistogram();
  try {
    const file = await open(join(directory, 'probe'), 'w');
    const block = Buffer.alloc(fsyncBytes, 1);
    for (let i = 0; i < fsyncProbes; i++) {
      await file.write(block, 0, fsyncBytes, i * fsyncBytes);
      const startedMs = performance.now();
      await file.datasync();
      histogram.record(performance.now() - startedMs);
    }
    await file.close();
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  const { p50, p99, count } = histogram.summary();
  return { p50, p99, count };
}
