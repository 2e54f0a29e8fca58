/**
 * A network that can be cut like a cable: a network namespace of its own, joined to this one by a pair of virtual interfaces. What
 * runs in the namespace and listens on `address` is reached from here through the pair. While it is cut, packets of both
 * directions go nowhere and neither side is told, as when a switch dies; connections stay open.
 *
 *   this namespace   [sfN-a 10.213.n.1] ======= [sfN-b 10.213.n.2]   namespace sluice-fault-PID-n
 *
 * Linux, root and iproute2 only. The addresses are private ones of a network that nothing else is on.
 */

import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);

const NAMESPACES_DIR = '/run/netns';
const NAMESPACE = /^sluice-fault-(\d+)-(\d+)$/;
/** Of this process: two networks that are made at the same time do not choose the same number. */
const chosen = new Set<string>();
/** Namespaces of one machine at a time: the third byte of the address. */
const NETWORKS_MAX = 250;

export class CutNetwork {
  readonly namespace: string;
  /** What the other side is reached at from here. */
  readonly address: string;
  readonly #here: string;

  private constructor(namespace: string, address: string, here: string) {
    this.namespace = namespace;
    this.address = address;
    this.#here = here;
  }

  /** Why none can be made here, or null. */
  static async obstacle(): Promise<string | null> {
    if (process.platform !== 'linux') return 'network namespaces need Linux';
    if (process.getuid?.() !== 0) return 'network namespaces need root';
    try {
      await run('ip', ['netns', 'list']);
      return null;
    } catch (reason) {
      return `network namespaces need iproute2: ${(reason as Error).message}`;
    }
  }

  /** Removes what killed processes left, then makes a network that passes packets. */
  static async make(): Promise<CutNetwork> {
    await removeOrphans();
    let last: unknown;
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const number = freeNumber();
      const namespace = `sluice-fault-${process.pid}-${number}`;
      const [here, there] = [`sf${number}-a`, `sf${number}-b`];
      await run('ip', ['netns', 'add', namespace]);
      try {
        await run('ip', ['link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', namespace]);
        const inside = ['-n', namespace];
        await run('ip', ['address', 'add', `10.213.${number}.1/30`, 'dev', here]);
        await run('ip', [...inside, 'address', 'add', `10.213.${number}.2/30`, 'dev', there]);
        await run('ip', ['link', 'set', here, 'up']);
        await run('ip', [...inside, 'link', 'set', there, 'up']);
        await run('ip', [...inside, 'link', 'set', 'lo', 'up']);
        return new CutNetwork(namespace, `10.213.${number}.2`, here);
      } catch (reason) {
        last = reason; // another process took the number between our look and now
        await run('ip', ['netns', 'delete', namespace]);
      }
    }
    throw new Error('no network namespace could be made', { cause: last });
  }

  /** Packets go nowhere until `restore`. */
  async cut(): Promise<void> {
    await run('ip', ['-n', this.namespace, 'link', 'set', this.#there, 'down']);
  }

  async restore(): Promise<void> {
    await run('ip', ['-n', this.namespace, 'link', 'set', this.#there, 'up']);
  }

  /** With everything in it gone, the namespace and both interfaces go. */
  async remove(): Promise<void> {
    await run('ip', ['netns', 'delete', this.namespace]);
    chosen.delete(NAMESPACE.exec(this.namespace)?.[2] ?? '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }

  get #there(): string {
    return this.#here.replace(/a$/, 'b');
  }
}

function namespaces(): string[] {
  try {
    return readdirSync(NAMESPACES_DIR);
  } catch {
    return []; // none was ever made here
  }
}

function freeNumber(): number {
  const taken = new Set(namespaces().map((name) => NAMESPACE.exec(name)?.[2]));
  for (let number = process.pid % NETWORKS_MAX, left = NETWORKS_MAX; left > 0; left -= 1) {
    if (!taken.has(String(number)) && !chosen.has(String(number))) {
      chosen.add(String(number));
      return number;
    }
    number = (number + 1) % NETWORKS_MAX;
  }
  throw new Error(`${NETWORKS_MAX} networks of ours exist already`);
}

async function removeOrphans(): Promise<void> {
  const running = new Set(readdirSync('/proc'));
  for (const name of namespaces()) {
    const owner = NAMESPACE.exec(name)?.[1];
    if (owner === undefined || running.has(owner)) continue;
    await run('ip', ['netns', 'delete', name]).catch(() => undefined); // another process may do the same just now
  }
}
