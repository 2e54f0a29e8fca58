/**
 * RabbitMQ's own control tool, run against a node that was started here as a process: in the node's root directory, as its user
 * and with what of its environment says which node it is.
 */

import { readFile } from 'node:fs/promises';
import { runCommand } from './command.ts';
import { BrokersError } from './errors.ts';
import { limits } from './limits.ts';

const passedOn = [
  'PATH',
  'LANG',
  'HOME',
  'ERL_EPMD_ADDRESS',
  'ERL_EPMD_PORT',
  'SLUICE_BROKER_RUN',
  'SLUICE_BROKER_NODE',
];

/** Runs `rabbitmqctl` with these arguments on the node whose server process is `pid`. Throws `failed` when it does not work. */
export async function controlRabbitMq(pid: number, args: readonly string[]): Promise<void> {
  const environment = environmentOf(await readFile(`/proc/${pid}/environ`, 'utf8'));
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const user = /^Uid:\s+(\d+)/m.exec(status)?.[1];
  const group = /^Gid:\s+(\d+)/m.exec(status)?.[1];
  const node = environment['RABBITMQ_NODENAME'];
  if (user === undefined || group === undefined || node === undefined)
    throw new BrokersError('failed', `process ${pid} is no RabbitMQ that was started here`);
  const root = `/proc/${pid}/root`;
  await runCommand(
    'chroot',
    [`--userspec=${user}:${group}`, root, '/usr/lib/rabbitmq/bin/rabbitmqctl', '-n', node, ...args],
    {
      deadlineMs: limits.toolMs,
      env: {
        ...Object.fromEntries(
          passedOn.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])),
        ),
        // The tool is an Erlang node too and would listen on every interface while it asks.
        ERL_AFLAGS: '-kernel inet_dist_use_interface {127,0,0,1}',
      },
    },
  );
}

function environmentOf(text: string): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(
    text.split('\0').flatMap((line) => {
      const at = line.indexOf('=');
      return at <= 0 ? [] : [[line.slice(0, at), line.slice(at + 1)]];
    }),
  );
}
