/** What a run has open and which processes it has, read from /proc by other means than the code under test. */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { waitUntil } from '../../src/brokers/processes.ts';

export interface Listener {
  readonly pid: number;
  readonly address: string;
  readonly port: number;
}

const LISTEN = '0A';

/** Every TCP port that these processes listen on, in either address family. */
export function listenersOf(pids: readonly number[]): Listener[] {
  const byInode = new Map<string, { address: string; port: number }>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const row of readFileSync(table, 'utf8').split('\n').slice(1)) {
      const [, local = '', , state, , , , , , inode = ''] = row.trim().split(/\s+/);
      const [address = '', port = ''] = local.split(':');
      if (state === LISTEN) byInode.set(inode, { address, port: Number.parseInt(port, 16) });
    }
  }
  return pids.flatMap((pid) =>
    socketInodes(pid).flatMap((inode) => {
      const found = byInode.get(inode);
      return found === undefined ? [] : [{ pid, ...found }];
    }),
  );
}

/** 127.0.0.0/8, ::1 and ::ffff:127.0.0.0/104, as /proc writes them: words of 32 bits, each in the machine's order. */
export function isLoopback(address: string): boolean {
  return (
    /^[0-9A-F]{6}7F$/.test(address) ||
    address === '00000000000000000000000001000000' ||
    /^0000000000000000FFFF0000[0-9A-F]{6}7F$/.test(address)
  );
}

/** The ids of the processes whose environment names this run. */
export function pidsOfRun(runId: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/environ`, 'latin1').includes(`SLUICE_BROKER_RUN=${runId}\0`);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Whether the kernel knows that process as anything but a zombie; one whose other threads are still ending is none yet. */
export function isAlive(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return !/^State:\s+Z/m.test(status) || Number(/^Threads:\s+(\d+)/m.exec(status)?.[1]) > 1;
  } catch {
    return false;
  }
}

/** Resolves when none of the processes is alive; rejects after the deadline and names those that are. */
export async function allGone(pids: readonly number[], withinMs: number): Promise<void> {
  if (await waitUntil(() => !pids.some(isAlive), withinMs)) return;
  throw new Error(`still alive after ${withinMs} ms: ${pids.filter(isAlive).join(' ')}`);
}

/** Whether somebody accepts a connection on that port. */
export function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function socketInodes(pid: number): string[] {
  let names: string[];
  try {
    names = readdirSync(`/proc/${pid}/fd`);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${name}`))?.[1] ?? [];
    } catch {
      return [];
    }
  });
}
