/** The suite runs under node:test as it does under vitest. */

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const file = 'examples/adapter/mailbox-driver.node-test.ts';

it('passes the mailbox driver under node:test, and prints what was found', async () => {
  const args = ['--import', 'tsx', '--test', '--test-reporter=tap', file];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
  expect(stdout).toMatch(/^# fail 0$/m);
  expect(stdout).toMatch(/# Subtest: headers: headers keep their bytes/);
  expect(stdout).toContain('| order.key | holds');
  expect(stdout).toContain('| browse | refused |');
}, 60_000);
