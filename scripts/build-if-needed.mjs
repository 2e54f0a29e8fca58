// Compiles src to dist when dist is missing or older than any source, so that a fresh clone needs no separate build step.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stamp = join(root, 'dist', '.built');
const inputs = ['src', 'package.json', 'tsconfig.json', 'tsconfig.build.json'];

if (process.argv.includes('--force') || isStale()) build();
// A commit of what was built already changes what the build is called, and nothing else.
writeBuildInfo();

function isStale() {
  if (!existsSync(stamp)) return true;
  const builtAt = statSync(stamp).mtimeMs;
  return inputs.some((input) => newestIn(join(root, input)) > builtAt);
}

function newestIn(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path).reduce((newest, name) => Math.max(newest, newestIn(join(path, name))), stat.mtimeMs);
}

function build() {
  process.stderr.write('building dist/ ...\n');
  const startedAt = Date.now();
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status } = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], {
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) process.exit(status ?? 1);
  copyAssets(join(root, 'src'), join(root, 'dist'));
  mkdirSync(join(root, 'dist'), { recursive: true });
  writeFileSync(stamp, '');
  process.stderr.write(`built in ${((Date.now() - startedAt) / 1000).toFixed(1)} s\n`);
}

/** Files that the compiler does not carry over: XML, JSON, CSS and other data beside the sources. */
function copyAssets(from, to) {
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    if (entry.isDirectory()) copyAssets(join(from, entry.name), join(to, entry.name));
    else if (!entry.name.endsWith('.ts')) {
      mkdirSync(to, { recursive: true });
      cpSync(join(from, entry.name), join(to, entry.name));
    }
  }
}

/** What `sluice --version` says (src/build-info.ts). A packed dist has no sources' history beside it: what it says then stays. */
function writeBuildInfo() {
  const commit = process.env.SLUICE_BUILD_COMMIT || commitOf();
  if (commit === undefined && existsSync(join(root, 'dist', 'build-info.json'))) return;
  const epoch = Number(process.env.SOURCE_DATE_EPOCH || git('log', '-1', '--format=%ct'));
  const date = epoch > 0 ? new Date(epoch * 1000).toISOString().replace('.000Z', 'Z') : null;
  const text = `${JSON.stringify({ commit: commit ?? null, date })}\n`;
  const file = join(root, 'dist', 'build-info.json');
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

function commitOf() {
  // A copy of the sources inside somebody else's repository has not that one's history.
  if (!existsSync(join(root, '.git'))) return undefined;
  const commit = git('rev-parse', 'HEAD');
  if (commit === '') return undefined;
  return git('status', '--porcelain', '--untracked-files=no') === '' ? commit : `${commit}-dirty`;
}

/** What git says, or nothing: without git, a build is as good. */
function git(...args) {
  const { status, stdout } = spawnSync('git', args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return status === 0 ? stdout.trim() : '';
}
