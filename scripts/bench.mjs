// Compiles the benchmarks with the sources and runs them: what is measured is the code that is shipped. Run through tsx, every closure
// is given its name while it runs, which made an append of one record a third slower than it is.
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const out = join(root, 'dist', 'bench');
rmSync(out, { recursive: true, force: true });
run([join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', join(root, 'tsconfig.bench.json')]);
cpSync(join(root, 'package.json'), join(out, 'package.json'));
cpSync(join(root, 'proto'), join(out, 'proto'), { recursive: true });
run([join(out, 'bench', 'run.js'), ...process.argv.slice(2)]);

function run(args) {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
