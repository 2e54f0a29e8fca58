/** S19: what is installed with the package: pinned, from one place, with hashes, and nothing that runs by itself. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
}

const root = resolve(import.meta.dirname, '../..');
const read = (name: string): ReturnType<typeof JSON.parse> => JSON.parse(readFileSync(resolve(root, name), 'utf8'));
const { dependencies, devDependencies } = read('package.json') as Record<string, Record<string, string>>;
const { lockfileVersion, packages } = read('package-lock.json') as {
  lockfileVersion: number;
  packages: Record<string, Locked>;
};
const locked = Object.entries(packages).filter(([path]) => path !== '');

it('every dependency is pinned to one version, and the lock has that one', () => {
  expect(lockfileVersion).toBe(3);
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
    expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
    expect(packages[`node_modules/${name}`]?.version, name).toBe(version);
  }
});

it('every package of the lock has a SHA-512, and names no place of its own: all come from where npm is told', () => {
  for (const [path, { integrity, resolved }] of locked) {
    expect(integrity, path).toMatch(/^sha512-/);
    expect(resolved, path).toBeUndefined();
  }
});

it('no package that is installed with ours needs a script to run, but for those that are named here with why', () => {
  const needless: Readonly<Record<string, string>> = {
    // Looks for a faster implementation and does without.
    'cpu-features': 'optional, of ssh2',
    ssh2: 'builds an optional crypto binding; works without',
    protobufjs: 'prints a version warning',
  };
  const scripted = locked
    .filter(([, { hasInstallScript, dev }]) => hasInstallScript === true && dev !== true)
    .map(([path]) => path.split('node_modules/').at(-1) ?? '');
  expect(scripted.filter((name) => !(name in needless))).toEqual([]);
  expect(readFileSync(resolve(root, '.npmrc'), 'utf8')).toMatch(/ignore-scripts\s*=\s*true/);
});
