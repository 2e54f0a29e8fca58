/** Asks the Docker engine itself, over its own HTTP interface: a `docker` command in the path says nothing about an engine. */

import { request, type RequestOptions } from 'node:http';
import { BrokersError } from './errors.ts';
import { limits } from './limits.ts';

/** Where the engine listens, from DOCKER_HOST or the usual socket; null for what is not on this machine or needs certificates. */
export function engineAddress(
  dockerHost = process.env['DOCKER_HOST'],
): Pick<RequestOptions, 'socketPath' | 'host' | 'port'> | null {
  if (dockerHost === undefined || dockerHost === '') return { socketPath: '/var/run/docker.sock' };
  if (dockerHost.startsWith('unix://')) return { socketPath: dockerHost.slice('unix://'.length) };
  const tcp = /^tcp:\/\/(127\.0\.0\.1|localhost):(\d+)\/?$/.exec(dockerHost);
  if (tcp === null || process.env['DOCKER_TLS_VERIFY'] === '1') return null;
  return { host: tcp[1] ?? '127.0.0.1', port: Number(tcp[2]) };
}

/** Resolves with true when an engine on this machine says OK within a second. */
export async function dockerAnswers(): Promise<boolean> {
  try {
    return (await askEngine('GET', '/_ping', limits.dockerPingMs)) === 200;
  } catch {
    return false; // no socket, no engine behind it, or too slow: all the same to us
  }
}

/** Removes a container and its volumes, running or not; one that is gone already is fine. */
export async function removeContainer(id: string): Promise<void> {
  const path = `/containers/${encodeURIComponent(id)}?force=1&v=1`;
  const status = await askEngine('DELETE', path, limits.toolMs);
  if (status !== 204 && status !== 404)
    throw new BrokersError('failed', `the Docker engine answered ${status} to removing ${id}`);
}

function askEngine(method: string, path: string, deadlineMs: number): Promise<number> {
  const address = engineAddress();
  if (address === null) throw new BrokersError('unavailable', 'the Docker engine is not on this machine');
  return new Promise((resolve, reject) => {
    const asked = request({ ...address, method, path }, (answer) => {
      answer.resume();
      answer.once('error', reject);
      answer.once('end', () => resolve(answer.statusCode ?? 0));
    });
    // One deadline for all of it: a socket's own timeout starts again with each byte.
    const timer = setTimeout(() => asked.destroy(new Error('no answer in time')), deadlineMs);
    asked.once('close', () => clearTimeout(timer));
    asked.once('error', reject);
    asked.end();
  });
}
