/** The mirror that this machine's own packages come from, as apt is configured; never an address of ours. */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AptSource, firstOfMirrorList, mirrorsOf, parseDeb822, parseSourcesList } from './apt-sources.ts';
import { runCommand } from './command.ts';
import { BrokersError } from './errors.ts';
import { limits } from './limits.ts';

/** Resolves with an address that debootstrap can fetch from. Throws `unavailable` when apt names none. */
export async function debianMirror(): Promise<string> {
  const release = /^VERSION_CODENAME=(.*)$/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1] ?? '';
  const suite = release.replaceAll('"', '');
  const mirror = mirrorsOf(await aptSources(), suite)[0];
  if (mirror === undefined)
    throw new BrokersError('unavailable', `apt's configuration names no mirror for "${suite} main"`);
  if (!mirror.startsWith('mirror+file:')) return mirror;
  const list = await readFile(mirror.slice('mirror+file:'.length), 'utf8');
  const first = firstOfMirrorList(list);
  if (first === null) throw new BrokersError('unavailable', `${mirror} lists no mirror`);
  return first;
}

/** The proxies apt is configured with, as the variables that debootstrap's downloader reads. */
export async function aptProxies(): Promise<NodeJS.ProcessEnv> {
  const said = await runCommand('apt-config', ['dump'], { deadlineMs: limits.toolMs }).catch(() => '');
  const env: NodeJS.ProcessEnv = {};
  for (const scheme of ['http', 'https']) {
    const proxy = new RegExp(`^Acquire::${scheme}::Proxy "(.+)";$`, 'm').exec(said)?.[1];
    if (proxy !== undefined && proxy !== 'DIRECT') env[`${scheme}_proxy`] = proxy;
  }
  return env;
}

async function aptSources(): Promise<AptSource[]> {
  const found: AptSource[] = [];
  const oneLine = await readFile('/etc/apt/sources.list', 'utf8').catch(() => '');
  found.push(...parseSourcesList(oneLine));
  const parts = '/etc/apt/sources.list.d';
  for (const name of (await readdir(parts).catch((): string[] => [])).toSorted()) {
    // apt reads exactly these two endings.
    if (name.endsWith('.list')) found.push(...parseSourcesList(await readFile(join(parts, name), 'utf8')));
    if (name.endsWith('.sources')) found.push(...parseDeb822(await readFile(join(parts, name), 'utf8')));
  }
  return found;
}
