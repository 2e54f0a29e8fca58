/** The package on the Nodes that its users have beside the machine's own: each from npm's package of its binary for Linux. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { expectEveryDoorWorked, serveAndUse } from './claims.ts';
import { fetchNode, pack, PackedProject, repository } from './packed-project.ts';

/** One of each line that is looked after beside 20, exactly: a test that follows the newest fails for reasons of others. */
const NODES = ['22.23.3', '24.21.0'] as const;

describe.skipIf(process.platform !== 'linux' || process.arch !== 'x64')('the npm package on other Nodes', () => {
  it.each(NODES)(
    'installs, serves and works through every export on Node %s',
    { timeout: 300_000 },
    async (version) => {
      const packs = mkdtempSync(join(tmpdir(), 'sluice-pack-'));
      onTestFinished(() => rmSync(packs, { recursive: true, force: true }));
      const nodeDirectory = await fetchNode(version);
      onTestFinished(() => rmSync(resolve(nodeDirectory, '../../..'), { recursive: true, force: true }));
      const project = await PackedProject.install((await pack(packs)).tarball, nodeDirectory);
      onTestFinished(() => project.remove());

      const used = await serveAndUse(project);
      expect(used.node).toBe(`v${version}`);
      const { exports } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { exports: object };
      expectEveryDoorWorked(used, Object.keys(exports));
    },
  );
});
