/**
 * RabbitMQ by debootstrap: a small Debian of the release that has the wanted version, in the cache directory, never part of the
 * running system. No package of the host but debootstrap itself is installed, and no service is started.
 */

import { existsSync } from 'node:fs';
import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { aptProxies, debianMirror } from './apt-mirror.ts';
import { runCommand } from './command.ts';
import { BrokersError, reasonOf } from './errors.ts';
import { installOnce, removeTree, retryDownload, withLock } from './install-once.ts';
import { limits } from './limits.ts';
import { cacheDir } from './paths.ts';
import { endRun, RUN_MARK } from './processes.ts';
import type { RabbitMqVersion } from './types.ts';

/** The Debian release that carries each version. */
const SUITES: Readonly<Record<RabbitMqVersion, string>> = {
  '4.3': 'forky',
  '4.0': 'trixie',
  '3.10': 'bookworm',
};

export interface RabbitMqInstall {
  /** The root directory of the small Debian. */
  readonly root: string;
  /** The exact version of the server in it, such as 4.3.6. */
  readonly version: string;
}

/** Resolves with a complete install. Throws `unavailable` without root, Debian's apt or the mirror; `failed` when a step fails. */
export async function installRabbitMq(
  version: RabbitMqVersion,
  progress: (line: string) => void,
): Promise<RabbitMqInstall> {
  if (process.getuid?.() !== 0)
    throw new BrokersError('unavailable', 'RabbitMQ as a local process needs root (debootstrap, chroot)');
  const suite = SUITES[version];
  const root = join(cacheDir(), 'rabbitmq', `${version}-${suite}`);
  await installOnce(root, async (into) => {
    await requireDebootstrap(progress);
    const mirror = await debianMirror();
    progress(`rabbitmq: building ${version} from Debian ${suite} by debootstrap (390 MB, once)`);
    await retryDownload('rabbitmq: debootstrap', progress, () => debootstrap(suite, into, mirror));
    await writeFile(join(into, 'sluice-version'), await packageVersion(into));
  });
  return { root, version: await readFile(join(root, 'sluice-version'), 'utf8') };
}

async function debootstrap(suite: string, into: string, mirror: string): Promise<void> {
  // A second try on top of a first one's remains fails in other ways than the first.
  for (const name of await readdir(into)) await removeTree(join(into, name));
  const scripts = '/usr/share/debootstrap/scripts';
  const script = existsSync(join(scripts, suite)) ? suite : 'sid';
  const mark = `install-${randomUUID()}`;
  try {
    await runCommand(
      'debootstrap',
      ['--variant=minbase', '--include=rabbitmq-server', suite, into, mirror, join(scripts, script)],
      {
        deadlineMs: limits.debootstrapMs,
        env: { ...process.env, ...(await aptProxies()), [RUN_MARK]: mark },
      },
    );
  } catch (caught) {
    const log = await readFile(join(into, 'debootstrap', 'debootstrap.log'), 'utf8').catch(() => '');
    throw new BrokersError('failed', `${reasonOf(caught)} ${log.slice(-600)}`, { cause: caught });
  } finally {
    // A package's own scripts may leave an epmd or a server behind.
    await endRun(mark);
  }
  // Without this name Erlang waits for its port mapper until it gives up.
  await appendFile(join(into, 'etc', 'hosts'), '127.0.0.1 localhost\n');
}

async function packageVersion(root: string): Promise<string> {
  const said = await runCommand('chroot', [root, 'dpkg-query', '-W', '-f', '${Version}', 'rabbitmq-server'], {
    deadlineMs: limits.toolMs,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  const version = /^(?:\d+:)?(\d+\.\d+\.\d+)/.exec(said.trim())?.[1];
  if (version === undefined) throw new BrokersError('failed', `rabbitmq-server has version "${said}"`);
  return version;
}

async function requireDebootstrap(progress: (line: string) => void): Promise<void> {
  if (existsSync('/usr/sbin/debootstrap')) return;
  if (!existsSync('/usr/bin/apt-get'))
    throw new BrokersError(
      'unavailable',
      'RabbitMQ as a local process needs debootstrap, and there is no apt to get it',
    );
  await withLock(join(cacheDir(), 'apt.lock'), limits.lockWaitMs, async () => {
    if (existsSync('/usr/sbin/debootstrap')) return;
    progress('rabbitmq: installing debootstrap with apt');
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    await retryDownload('rabbitmq: apt-get', progress, async () => {
      await runCommand('apt-get', ['-q', 'update'], { deadlineMs: limits.aptMs, env });
      await runCommand(
        'apt-get',
        ['-q', '-y', '-o', 'DPkg::Lock::Timeout=120', 'install', '--no-install-recommends', 'debootstrap'],
        { deadlineMs: limits.aptMs, env },
      );
    });
  });
}
