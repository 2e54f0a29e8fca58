/**
 * kafkajs brokers by address: opened when first needed, shared, thrown away when a request on them failed. A new connection
 * is a new object, so half-read answers of a dead one cannot reach its successor.
 */

import type { Socket } from 'node:net';
import { type TlsOptions, tlsSettings } from '../broker-login.ts';
import { isLoginRefused, KafkaFault, toConnectFault, toFault } from './errors.ts';
import { kafkaLimits } from './kafka-limits.ts';
import { type Broker, internals } from './kafkajs-internals.ts';
import { openSocket, patchConnectionPool } from './kafkajs-patches.ts';
import type { SaslOptions } from './sasl.ts';

export interface KafkaJsClientOptions {
  /** `host:port`. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly connectTimeoutMs: number;
  readonly tls: TlsOptions | null;
  readonly sasl: SaslOptions | null;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

interface Slot {
  readonly opening: Promise<Broker>;
  /** Once it is open. */
  broker: Broker | null;
}

export class KafkaJsConnections {
  readonly #seeds: readonly Address[];
  readonly #tls: TlsOptions | null;
  readonly #sasl: SaslOptions | null;
  readonly #logger: unknown;
  readonly #pools: ReturnType<typeof internals.connectionPoolBuilder>;
  readonly #sockets = new Set<Socket>();
  readonly #nodes = new Map<number, Address>();
  readonly #slots = new Map<string, Slot>();
  #isClosed = false;

  constructor(options: KafkaJsClientOptions) {
    this.#seeds = options.brokers.map(parseAddress);
    this.#tls = options.tls;
    this.#sasl = options.sasl;
    const { LEVELS, createLogger } = internals.loggers;
    this.#logger = createLogger({ level: LEVELS.NOTHING, logCreator: () => () => undefined });
    this.#pools = internals.connectionPoolBuilder({
      brokers: options.brokers,
      clientId: options.clientId,
      connectionTimeout: options.connectTimeoutMs,
      requestTimeout: kafkaLimits.requestTimeoutMs,
      enforceRequestTimeout: true,
      maxInFlightRequests: null,
      logger: this.#logger,
      sasl: options.sasl?.forKafkaJs() ?? null,
      socketFactory: ({ host, port, onConnect }) => this.#openSocket(host, port, onConnect),
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get nodes(): ReadonlyMap<number, Address> {
    return this.#nodes;
  }

  /** The cluster as its metadata tells it. */
  setNodes(nodes: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[]): void {
    this.#nodes.clear();
    for (const node of nodes) this.addNode(node);
  }

  addNode({ nodeId, host, port }: { readonly nodeId: number; readonly host: string; readonly port: number }): void {
    this.#nodes.set(nodeId, { host, port });
  }

  /** Rejects with an `unreachable` fault. */
  async node(node: number): Promise<Broker> {
    const address = this.#nodes.get(node);
    if (address === undefined) throw new KafkaFault('unreachable', `node ${node} is not known`);
    return await this.#broker(address);
  }

  /** Any broker that answers: connected ones first, then the known ones, then the given addresses. */
  async any(): Promise<Broker> {
    let last: unknown = new KafkaFault('unreachable', 'no broker address is known');
    const known = [...this.#nodes.values(), ...this.#seeds].map(keyOf);
    for (const key of new Set([...this.#slots.keys(), ...known])) {
      try {
        return await this.#broker(parseAddress(key));
      } catch (reason) {
        last = reason;
      }
    }
    throw last;
  }

  /** Runs a request; a connection that failed under it is dropped. Rejects with a fault. */
  async ask<T>(broker: Broker, request: (broker: Broker) => Promise<T>): Promise<T> {
    try {
      return await request(broker);
    } catch (reason) {
      const fault = this.faultOf(broker, reason);
      if (fault.kind === 'lost' || fault.kind === 'unreachable') this.drop(broker);
      throw fault;
    }
  }

  /** What a failed request means. Where the login was asked for again and refused, nothing was sent. */
  faultOf(broker: Broker, reason: unknown, sent = true): KafkaFault {
    if (!isLoginRefused(reason)) return toFault(reason, sent);
    return toConnectFault(reason, keyOf(broker.connectionPool), this.#sasl?.who ?? null);
  }

  drop(broker: Broker): void {
    const key = keyOf(broker.connectionPool);
    if (this.#slots.get(key)?.broker === broker) this.#slots.delete(key);
    // It waits for its outstanding requests, which end by their own timeouts; nobody waits for it.
    broker.disconnect().catch(() => undefined);
  }

  /** Ends every connection at once; what is outstanding rejects. */
  close(): void {
    this.#isClosed = true;
    this.#slots.clear();
    for (const socket of this.#sockets) socket.destroy(new Error('the client was closed'));
  }

  async #broker(address: Address): Promise<Broker> {
    if (this.#isClosed) throw new KafkaFault('unreachable', 'the client was closed');
    const key = keyOf(address);
    const known = this.#slots.get(key);
    if (known !== undefined) return await known.opening;
    const slot: Slot = { opening: this.#open(address), broker: null };
    this.#slots.set(key, slot);
    try {
      slot.broker = await slot.opening;
      return slot.broker;
    } catch (reason) {
      if (this.#slots.get(key) === slot) this.#slots.delete(key);
      throw reason;
    }
  }

  /** Whatever goes wrong here, nothing was asked yet. */
  async #open(address: Address): Promise<Broker> {
    let broker: Broker | null = null;
    try {
      // kafkajs would keep of a file's error only its words.
      if (this.#tls !== null) tlsSettings(this.#tls);
      const connectionPool = await this.#pools.build(address);
      patchConnectionPool(connectionPool);
      broker = new internals.Broker({
        connectionPool,
        logger: this.#logger,
        allowAutoTopicCreation: false,
        authenticationTimeout: kafkaLimits.requestTimeoutMs,
      });
      await broker.connect();
      return broker;
    } catch (reason) {
      broker?.disconnect().catch(() => undefined); // connected, and not let in
      throw toConnectFault(reason, keyOf(address), this.#sasl?.who ?? null);
    }
  }

  #openSocket(host: string, port: number, onConnect: () => void): Socket {
    const socket = openSocket(host, port, this.#tls === null ? null : tlsSettings(this.#tls), onConnect);
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    return socket;
  }
}

function keyOf({ host, port }: Address): string {
  return `${host}:${port}`;
}

function parseAddress(address: string): Address {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}
