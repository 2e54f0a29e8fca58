// The tests in two runs side by side: those with brokers mostly wait, one file after the other, and leave the processor to the rest.
// With arguments (a file, -t, --project) one run of vitest gets them as they are. `--long` is for the full counts.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const isLong = process.argv.includes('--long');
const given = process.argv.slice(2).filter((one) => one !== '--long');
const runs =
  given.length > 0
    ? [{ name: 'all', args: given }]
    : [
        { name: 'unit', args: ['--project', 'unit', '--maxWorkers', '1'] },
        { name: 'brokers', args: ['--project', 'brokers'] },
      ];

const children = runs.map(({ name, args }) => {
  const results = `.vitest-results-${name}.json`;
  rmSync(join(root, results), { force: true });
  return spawn(process.execPath, [vitest, 'run', ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, SLUICE_TEST_RESULTS: results, ...(isLong ? { SLUICE_LONG: '1' } : {}) },
  });
});
// Ctrl-C reaches them by itself, as members of the group; whoever ends only this process means them, too.
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => children.forEach((child) => child.kill(signal)));
process.on('SIGINT', () => undefined);
const codes = await Promise.all(
  children.map((child) => new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)))),
);
process.exitCode = Math.max(...codes);
