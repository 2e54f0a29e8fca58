/** What holds for the package in an empty project, on whatever Node: the same claims on the machine's own and on newer ones. */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type PackedProject, repository } from './packed-project.ts';

/** From the command to its line about the address; the machine may be busy. */
const START_MS = 30_000;
const END_MS = 15_000;

export interface Used {
  readonly node: string;
  readonly did: Readonly<Record<string, unknown>>;
  readonly names: Readonly<Record<string, readonly string[]>>;
}

/** `npx sluice serve`, a program that uses every export and the gateway, and an end in good order. Resolves with what the program saw. */
export async function serveAndUse(project: PackedProject): Promise<Used> {
  const dataDir = join(project.directory, 'data');
  const server = spawn('npx', ['--no-install', 'sluice', 'serve', '--port', '0', '--data-dir', dataDir], {
    cwd: project.directory,
    env: project.environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    // npx, a shell and the gateway are one group: Ctrl-C in a terminal reaches all of them, and so does the end of this test.
    detached: true,
  });
  let said = '';
  const ended = new Promise<void>((resolve) => server.once('close', () => resolve()));
  const url = new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`npx sluice serve did not start: ${said}`)), START_MS);
    void ended.then(() => reject(new Error(`npx sluice serve ended: ${said}`)));
    for (const stream of [server.stdout, server.stderr])
      stream.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        const found = / on (http:\/\/\S+) and gRPC/.exec(said)?.[1];
        if (found === undefined) return;
        clearTimeout(timer);
        resolve(found);
      });
  });
  const end = async (): Promise<void> => {
    signalGroup(server.pid, 'SIGINT');
    const timer = setTimeout(() => signalGroup(server.pid, 'SIGKILL'), END_MS);
    await ended;
    clearTimeout(timer);
  };
  const used = await url
    .then(async (at) => await project.run('node', ['use.mjs', at]))
    .catch(async (reason: unknown) => {
      await end();
      throw reason;
    });
  await end();
  expect(existsSync(join(dataDir, 'clean-shutdown')), `ended in good order: ${said}`).toBe(true);
  return JSON.parse(used.stdout) as Used;
}

/** What each door must have done when its function works. */
export function expectEveryDoorWorked(used: Used, exported: readonly string[]): void {
  const doors = exported.filter((path) => !path.includes('*') && !path.endsWith('.json'));
  expect(Object.keys(used.did).toSorted()).toEqual(doors.map((path) => path.replace('.', 'sluice')).toSorted());
  expect(used.did).toMatchObject({
    sluice: 'stored',
    'sluice/client': { total: 9.5 },
    'sluice/log': ['paid'],
    'sluice/testing': 1,
  });
  expect(used.did['sluice/conformance']).toBeGreaterThan(20);
}

/** The program `use.ts` through the compiler, as each of the two ways to find modules sees the package; its own types are checked, too. */
export async function expectTypesHold(project: PackedProject): Promise<void> {
  const compiler = join(repository, 'node_modules', 'typescript', 'bin', 'tsc');
  for (const [module, resolution] of [
    ['nodenext', 'nodenext'],
    ['preserve', 'bundler'],
  ]) {
    const flags = [
      '--noEmit',
      '--strict',
      '--exactOptionalPropertyTypes',
      '--skipLibCheck',
      'false',
      '--target',
      'es2022',
    ];
    const libraries = ['--lib', 'es2023,esnext.disposable', '--types', 'node'];
    await project
      .run(process.execPath, [
        compiler,
        ...flags,
        ...libraries,
        '--module',
        `${module}`,
        '--moduleResolution',
        `${resolution}`,
        'use.ts',
      ])
      .catch((reason: { stdout?: string }) => {
        throw new Error(`with --moduleResolution ${resolution}:\n${reason.stdout}`);
      });
  }
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // gone already
  }
}
