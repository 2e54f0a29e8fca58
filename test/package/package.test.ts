/** The npm package: packed as it would be published, installed into an empty project, and used through every one of its doors. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { FORMAT_VERSION } from '../../src/core-log/storage/format-version.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectEveryDoorWorked, expectTypesHold, serveAndUse } from './claims.ts';
import { pack, PackedProject, repository } from './packed-project.ts';

const SET_UP_MS = 120_000;
const manifest = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
  version: string;
  exports: Record<string, string | Record<string, string>>;
};

describe('the npm package', { timeout: 60_000 }, () => {
  const packs = mkdtempSync(join(tmpdir(), 'sluice-pack-'));
  let paths: readonly string[] = [];
  let project: PackedProject;

  beforeAll(async () => {
    const packed = await pack(packs);
    ({ paths } = packed);
    project = await PackedProject.install(packed.tarball);
  }, SET_UP_MS);

  afterAll(() => {
    project?.remove();
    rmSync(packs, { recursive: true, force: true });
  });

  it('holds what each source compiles to, and nothing of what is no source', () => {
    const compiled = sourceFiles('src').flatMap((path) =>
      path.endsWith('.ts')
        ? ['.js', '.d.ts', '.js.map'].map((suffix) => path.replace(/^src/, 'dist').replace(/\.ts$/, suffix))
        : [path.replace(/^src/, 'dist')],
    );
    const ours = paths.filter((path) => path.startsWith('dist/'));
    expect(ours).toEqual([...compiled, 'dist/build-info.json', 'dist/sbom.cdx.json'].toSorted());
  });

  it('holds the gRPC definition, the dashboards and alerts, the report to ask, and beside them only what says what it is', () => {
    const others = paths.filter((path) => !path.startsWith('dist/'));
    expect(others).toEqual(
      [
        'CHANGELOG.md',
        'LICENSE',
        'README.md',
        'package.json',
        // npm takes along the README of each directory on the way to a file.
        'docs/README.md',
        'docs/reports/two-cores/README.md',
        'docs/reports/two-cores/report.json',
        ...sourceFiles('grafana'),
        ...sourceFiles('proto'),
      ].toSorted(),
    );
  });

  it('names no directory of the machine that it was packed on', async () => {
    const registry = (await project.run('npm', ['config', 'get', 'registry'])).stdout.trim().replace(/\/$/, '');
    const places = [repository, `${homedir()}/`, packs, registry, registry.replace(/^https?:\/\//, '')];
    const naming = paths.filter((path) => places.some((place) => project.read(path).includes(place)));
    expect(naming).toEqual([]);
  });

  it.concurrent('says through npx which version it is, and of which commit', async () => {
    const { stdout } = await project.run('npx', ['--no-install', 'sluice', '--version', '--json']);
    const said = JSON.parse(stdout) as { readonly commit: string | null };
    expect(said).toMatchObject({ version: manifest.version, node: process.version, dataFormat: FORMAT_VERSION });
    expect(said).toMatchObject(JSON.parse(project.read('dist/build-info.json')) as object);
    const text = (await project.run('npx', ['--no-install', 'sluice', '--version'])).stdout;
    expect(text).toContain(`sluice ${manifest.version}\n`);
    expect(text).toContain(said.commit ?? 'unknown');
  });

  it.concurrent('serves through npx, and every export does its work against it', async () => {
    const used = await serveAndUse(project);
    expect(used.node).toBe(process.version);
    expectEveryDoorWorked(used, Object.keys(manifest.exports));
  });

  it.concurrent('brings its types, for both ways to find modules', async () => {
    await expectTypesHold(project);
  });

  it('has every file that its exports name', () => {
    const named = Object.entries(manifest.exports).flatMap(([path, to]) =>
      path.includes('*') ? [] : typeof to === 'string' ? [to] : Object.values(to),
    );
    expect(named.map((path) => path.replace('./', '')).filter((path) => !paths.includes(path))).toEqual([]);
  });

  it.concurrent('lets a gRPC client find the definition, and nobody reach into its files', async () => {
    const read = (name: string) =>
      project.run('node', [
        '--input-type=module',
        '-e',
        `import { readFileSync } from 'node:fs'; console.log(readFileSync(new URL(import.meta.resolve('${name}')), 'utf8'))`,
      ]);
    expect((await read('sluice/proto/sluice/v1/sluice.proto')).stdout).toContain('package sluice.v1;');
    await expect(read('sluice/dist/gateway/app.js')).rejects.toThrow('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });
});

/** The files below a folder of the repository, as paths from its root. */
function sourceFiles(folder: string): string[] {
  return readdirSync(join(repository, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(repository, join(entry.parentPath, entry.name)));
}
