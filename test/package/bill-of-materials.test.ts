/** The bill of materials says what the lock file installs, neither more nor less, and docs/DEPENDENCIES.md what package.json asks for. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { repository } from './packed-project.ts';

interface Locked {
  readonly name?: string;
  readonly version: string;
  readonly integrity: string;
  readonly dev?: true;
  readonly license?: string;
}

interface Component {
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly hashes: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly unknown[];
}

const text = (path: string): string => readFileSync(join(repository, path), 'utf8');
const manifest = JSON.parse(text('package.json')) as Record<'dependencies' | 'devDependencies', Record<string, string>>;
const lock = JSON.parse(text('package-lock.json')) as { packages: Record<string, Locked> };

describe('the bill of materials', () => {
  it('has each package of the lock file that is installed with Sluice, by version and hash, and no other', () => {
    const { bill } = printed();
    const installed = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && dev !== true);
    // One package at two places in the tree is one component.
    const wanted = new Set(
      // Installed under another name than its own: an alias of the one that brought it.
      installed.map(([path, { name = nameOf(path), version, integrity }]) => `${name}@${version} ${hexOf(integrity)}`),
    );
    const told = bill.components.map(({ name, version, hashes }) => `${name}@${version} ${hashes[0]?.content}`);
    expect(wanted.size).toBeGreaterThan(100);
    expect(told.toSorted()).toEqual([...wanted].toSorted());
    expect(bill).toMatchObject({ bomFormat: 'CycloneDX', metadata: { component: { name: 'sluice' } } });
    // MIT, all three: in a field of old manifests that npm does not read.
    const silent = bill.components.filter(({ licenses = [] }) => licenses.length === 0).map(({ name }) => name);
    expect(silent).toEqual(['buildcheck', 'cpu-features', 'ssh2']);
  });

  it('is the same bytes again, and names neither a registry nor this machine', () => {
    const first = printed();
    expect(printed().source).toBe(first.source);
    const addresses = first.source.match(/https?:\/\/[^"/]+/g) ?? [];
    expect([...new Set(addresses)]).toEqual(['http://cyclonedx.org']);
    expect(first.source).not.toContain(repository);
  });
});

describe('docs/DEPENDENCIES.md', () => {
  const page = text('docs/DEPENDENCIES.md');
  const [forUsers = '', forUs = ''] = page.split('## What only the repository needs');

  it.each([
    { chapter: 'What is installed with Sluice', part: forUsers, asked: manifest.dependencies },
    { chapter: 'What only the repository needs', part: forUs, asked: manifest.devDependencies },
  ])('"$chapter" has a row for each, with its version and licence', ({ part, asked }) => {
    const rows = [...part.matchAll(/^\| `(.+?)` \| (\S+) \| (.+?) \| (.+?) \| (\d{4}-\d{2}) \| (.+?) \|$/gm)];
    expect(rows.map(([, name, version, licence]) => `${name} ${version} ${licence}`)).toEqual(
      Object.entries(asked)
        .map(([name, version]) => `${name} ${version} ${lock.packages[`node_modules/${name}`]?.license}`)
        .toSorted(),
    );
  });
});

function printed(): { readonly source: string; readonly bill: { readonly components: readonly Component[] } } {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-sbom-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'sbom.json');
  execFileSync(process.execPath, ['scripts/sbom.mjs', file], { cwd: repository, stdio: 'pipe' });
  const source = readFileSync(file, 'utf8');
  return { source, bill: JSON.parse(source) as { components: readonly Component[] } };
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

function hexOf(integrity: string): string {
  return Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex');
}
