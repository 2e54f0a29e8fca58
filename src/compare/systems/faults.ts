/**
 * What a scenario may do to a system that this run started: kill, pause, start again, and cut or silence the connections that
 * this process has to it. Connections are known because Node tells of every client socket that it makes (diagnostics_channel),
 * so neither the port nor a client library needs a door for it.
 */

import diagnostics from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import type { BrokerKind, ObtainedBrokers } from '../../brokers/index.ts';
import type { ProcessWire } from '../remote/index.ts';
import type { Faults } from '../scenarios/scenario.ts';
import { WireRefusal } from './wire.ts';

/** Every client socket of this process that was made while somebody watched and is still open. */
export class ConnectionWatch {
  readonly #sockets = new Set<Socket>();
  readonly #note = (message: unknown) => {
    const { socket } = message as { readonly socket: Socket };
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  };

  start(): void {
    diagnostics.subscribe('net.client.socket', this.#note);
  }

  stop(): void {
    diagnostics.unsubscribe('net.client.socket', this.#note);
  }

  to(ports: readonly number[]): readonly Socket[] {
    return [...this.#sockets].filter(({ remotePort }) => remotePort !== undefined && ports.includes(remotePort));
  }
}

/** RabbitMQ stops publishers while less than this is free. */
const moreThanAnyDisk = '1000000GB';
/** Its default. */
const usualDiskLimit = '50MB';

/** Of a broker that this run started as a process. */
export function brokerFaults(options: {
  readonly brokers: ObtainedBrokers;
  readonly kind: BrokerKind;
  readonly ports: readonly number[];
  readonly connections: ConnectionWatch;
}): Faults {
  const { brokers, kind, ports, connections } = options;
  const pid = () => {
    const node = brokers[kind]?.nodes[0];
    if (node === undefined || node.pid === null) throw new Error(`${kind} does not run`);
    return node.pid;
  };
  return {
    kill: () => brokers.killNode(kind),
    start: () => timed(() => brokers.startNode(kind)),
    pause: () => void process.kill(pid(), 'SIGSTOP'),
    resume: () => void process.kill(pid(), 'SIGCONT'),
    cut: () => each(connections.to(ports), reset),
    deafen: () => each(connections.to(ports), stopReading),
    diskAlarm: async (isOn) => {
      if (kind !== 'rabbitmq') throw new WireRefusal('broker_has_none', 'only RabbitMQ has an alarm for its disk');
      await brokers.rabbitmqctl(['set_disk_free_limit', isOn ? moreThanAnyDisk : usualDiskLimit]);
    },
  };
}

/** Of the embedded log, whose process is the system. */
export function processFaults(wire: ProcessWire): Faults {
  const noConnections = () => {
    throw new WireRefusal('broker_has_none', 'the embedded log has no connections');
  };
  return {
    kill: () => wire.kill(),
    start: () => timed(() => wire.restart()),
    pause: () => wire.pause(),
    resume: () => wire.resume(),
    cut: noConnections,
    deafen: noConnections,
    diskAlarm: () => Promise.reject(new WireRefusal('broker_has_none', 'the embedded log has no alarm')),
  };
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return Math.round(performance.now() - startedMs);
}

function each(sockets: readonly Socket[], act: (socket: Socket) => void): number {
  for (const socket of sockets) act(socket);
  return sockets.length;
}

/** As its owner sees it when the other side resets the connection: an error, then the end. */
function reset(socket: Socket): void {
  socket.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' }));
}

/**
 * Nothing more is read from the socket, whatever its owner asks for; what it writes still goes out. Pausing the stream would
 * not do: a client that listens for `readable` resumes it.
 */
function stopReading(socket: Socket): void {
  const { _handle: handle } = socket as unknown as { readonly _handle: { readStop: () => void } | null };
  handle?.readStop();
}
