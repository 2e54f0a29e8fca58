// Runs an example as its user would: `npm run example order-fan-out`, with `-- --backend kafka` for another backend. Without a
// name it lists them. The library is the built one, found by its package name: no source of it is read.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const examples = join(root, 'examples');
const exitUsage = 2;
const [name, ...args] = process.argv.slice(2);
const known = readdirSync(examples).filter((folder) => existsSync(join(examples, folder, 'main.ts')));

if (name !== undefined && known.includes(name)) run(name);
else list();

function run(folder) {
  const child = spawn(process.execPath, ['--import', 'tsx', join(examples, folder, 'main.ts'), ...args], {
    stdio: 'inherit',
    env: { ...process.env, TSX_TSCONFIG_PATH: join(examples, 'tsconfig.run.json') },
  });
  // Ctrl-C reaches it by itself, as a member of the group; whoever ends only this process means it, too.
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  process.on('SIGINT', () => undefined);
  child.once('close', (code) => {
    process.exitCode = code ?? 1;
  });
}

function list() {
  if (name !== undefined) {
    process.stderr.write(`there is no example "${name}"\n`);
    process.exitCode = exitUsage;
  }
  const width = Math.max(...known.map((folder) => folder.length));
  const lines = known.map((folder) => `  ${folder.padEnd(width)}  ${titleOf(folder)}`);
  process.stdout.write(`npm run example NAME [-- --backend native|rabbitmq|kafka]\n\n${lines.join('\n')}\n`);
}

/** The first line of its README. */
function titleOf(folder) {
  return readFileSync(join(examples, folder, 'README.md'), 'utf8')
    .split('\n')[0]
    .replace(/^# /, '');
}
