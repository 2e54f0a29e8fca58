/** What `sluice --version` says of a build, and that docs/UPGRADING.md speaks of the formats that this version has. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { versionText } from '../../src/build-info.ts';
import { reportSpecVersion } from '../../src/compare/report/model.ts';
import { FORMAT_NAME, FORMAT_VERSION } from '../../src/core-log/storage/format.ts';
import { repository } from './packed-project.ts';

const manifest = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string };

describe('sluice --version', () => {
  const built = { version: '1.2.3', commit: 'abc', date: '2026-01-02T03:04:05Z' };

  it('begins with a line for people, and says commit, Node and format of the data', () => {
    const lines = versionText(built, 2, false).split('\n');
    expect(lines).toEqual([
      'sluice 1.2.3',
      'commit       abc, of 2026-01-02T03:04:05Z',
      `node         ${process.version} ${process.platform} ${process.arch}`,
      'data format  2',
    ]);
    expect(versionText({ ...built, commit: null, date: null }, 2, false)).toContain('commit       unknown\n');
  });

  it('says the same as JSON', () => {
    expect(JSON.parse(versionText(built, 2, true))).toMatchObject({ ...built, dataFormat: 2, node: process.version });
  });

  it('names the commit that was built, and the date of that, not of the build', () => {
    const git = (...args: string[]) => execFileSync('git', args, { cwd: repository, encoding: 'utf8' }).trim();
    execFileSync(process.execPath, ['scripts/build-if-needed.mjs'], { cwd: repository, stdio: 'pipe' });
    const said = JSON.parse(
      execFileSync(process.execPath, ['dist/cli.js', '--version', '--json'], { cwd: repository, encoding: 'utf8' }),
    ) as { version: string; commit: string; date: string };
    expect(said.version).toBe(manifest.version);
    expect(said.commit.replace('-dirty', '')).toBe(git('rev-parse', 'HEAD'));
    expect(Date.parse(said.date) / 1000).toBe(Number(git('log', '-1', '--format=%ct')));
  });
});

describe('docs/UPGRADING.md', () => {
  const page = readFileSync(join(repository, 'docs/UPGRADING.md'), 'utf8');

  it('names the formats that this version writes', () => {
    expect(page).toContain(`| data directory of the native log | \`${FORMAT_NAME}\` ${FORMAT_VERSION} |`);
    expect(page).toContain(`| \`report.json\` of a comparison | ${reportSpecVersion} |`);
  });

  it('has a chapter for this release, which names its data format', () => {
    const [, chapter = ''] =
      new RegExp(`### ${manifest.version.replaceAll('.', '\\.')}\\b([\\s\\S]*?)(?=\\n### |$)`).exec(page) ?? [];
    expect(chapter).toContain(`Data format ${FORMAT_VERSION}`);
  });
});
