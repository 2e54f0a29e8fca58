// The tests in lanes side by side. Those with brokers mostly wait, one file after the other, and leave the processor to the rest: they are two
// shares of about the same length, each with brokers of its own. The rest is dealt into shares, too; whichever lane is free takes the next one,
// so that all end at about the same time.
// With arguments (a file, -t, --project) one run of vitest gets them as they are. `--long` is for the full counts.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const isLong = process.argv.includes('--long');
const given = process.argv.slice(2).filter((one) => one !== '--long');
const UNIT_SHARES = 10;
/** Of the tests with brokers, those of one share; all others are the other one's. */
const LONG_ROUNDS = ['test/faults/', 'test/e2e/'];
const otherTests = readdirSync(join(root, 'test'), { withFileTypes: true })
  .flatMap((entry) => (entry.isDirectory() ? [`test/${entry.name}/`] : []))
  .filter((path) => !LONG_ROUNDS.includes(path));
const LANES = 3;

const waiting =
  given.length > 0
    ? [{ name: 'all', args: given }]
    : [
        { name: 'brokers-1', args: ['--project', 'brokers', ...LONG_ROUNDS] },
        { name: 'brokers-2', args: ['--project', 'brokers', ...otherTests] },
        ...Array.from({ length: UNIT_SHARES }, (_, index) => ({
          name: `unit-${index + 1}`,
          args: ['--project', 'unit', '--maxWorkers', '1', `--shard=${index + 1}/${UNIT_SHARES}`],
        })),
      ];

for (const file of readdirSync(root)) if (/^\.vitest-results.*\.json$/.test(file)) rmSync(join(root, file));
const children = new Set();
let isEnding = false;
// Ctrl-C reaches them by itself, as members of the group; whoever ends only this process means them, too.
for (const signal of ['SIGTERM', 'SIGHUP'])
  process.on(signal, () => {
    isEnding = true;
    for (const child of children) child.kill(signal);
  });
process.on('SIGINT', () => (isEnding = true));

const codes = (await Promise.all(Array.from({ length: LANES }, lane))).flat();
process.exitCode = isEnding ? 1 : Math.max(...codes);

async function lane() {
  const ended = [];
  for (let next = waiting.shift(); next !== undefined && !isEnding; next = waiting.shift()) ended.push(await run(next));
  return ended;
}

async function run({ name, args }) {
  const results = `.vitest-results-${name}.json`;
  const child = spawn(process.execPath, [vitest, 'run', ...args], {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      SLUICE_TEST_RESULTS: results,
      ...(isLong ? { SLUICE_LONG: '1' } : {}),
    },
  });
  children.add(child);
  const code = await new Promise((resolve) => child.once('close', (status) => resolve(status ?? 1)));
  children.delete(child);
  // One that ended before it had counted anything is no success, whatever it says.
  return process.env.CI === 'true' && !existsSync(join(root, results)) ? 1 : code;
}
