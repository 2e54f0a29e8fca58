/**
 * A TCP proxy in front of a broker that does to connections what networks do: cuts them, resets them after so many bytes, makes them
 * slow, swallows what they carry, closes them in slow motion, or leaves one side with a connection that the other has forgotten.
 *
 *   client ---- socket ---- proxy ---- socket ---- broker
 *                 `toBroker` ->      <- `toClient`
 *
 * Faults of a running proxy are set on it and hold for what comes then; what was planned for the next connections is in
 * `resetNext`. Nothing here knows a protocol.
 */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export type Direction = 'toBroker' | 'toClient';

/** One planned reset, and whether it has happened. */
export interface PlannedReset {
  readonly direction: Direction;
  readonly afterBytes: number;
  hasFired: boolean;
}

export interface ProxyTarget {
  readonly host: string;
  readonly port: number;
}

/** Held back by a delay and not yet written, per direction of a connection: above, the sender is made to wait. */
const HELD_BYTES_MAX = 16 * 1024 * 1024;

export class TcpProxy {
  readonly #server: Server;
  #target: ProxyTarget | undefined;
  readonly #links = new Set<Link>();
  #planned: PlannedReset[] = [];
  #refuses = false;
  #isBlackhole = false;
  /** Each chunk arrives this much later, in both directions; order is kept. */
  latencyMs = 0;
  /** While set, answers are thrown away: the broker has read what was sent, and nobody learns it. */
  swallowsAnswers = false;
  /** An end of one side reaches the other only after this: connections that linger half closed. */
  closeDelayMs = 0;

  private constructor() {
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
  }

  /** Listens on a free port of 127.0.0.1, and turns everybody away until it has a target: for brokers that must know its port first. */
  static async listen(): Promise<TcpProxy> {
    const proxy = new TcpProxy();
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  static async to(target: ProxyTarget): Promise<TcpProxy> {
    const proxy = await TcpProxy.listen();
    proxy.target = target;
    return proxy;
  }

  /** In front of the host of a URL; `url` leads through the proxy and is otherwise the same. */
  static async before(url: string): Promise<{ readonly proxy: TcpProxy; readonly url: string }> {
    const through = new URL(url);
    const proxy = await TcpProxy.to({ host: through.hostname, port: Number(through.port || 5672) });
    through.hostname = '127.0.0.1';
    through.port = String(proxy.port);
    return { proxy, url: through.href };
  }

  set target(target: ProxyTarget) {
    this.#target = target;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Clients that are connected now. */
  get clients(): number {
    return this.#links.size;
  }

  /** Ends every connection at once, on both sides, with a reset. */
  cut(): void {
    for (const link of Array.from(this.#links)) link.reset();
  }

  /** Cuts, and turns new connections away until it is unset. */
  set refuses(refuses: boolean) {
    this.#refuses = refuses;
    if (refuses) this.cut();
  }

  /**
   * While set, nothing passes in either direction and nobody is told: bytes are thrown away, new connections are accepted and
   * silent. What was lost leaves a hole, so connections of that time are reset when it is unset.
   */
  set blackhole(isBlackhole: boolean) {
    if (this.#isBlackhole && !isBlackhole) this.cut();
    this.#isBlackhole = isBlackhole;
  }

  /** The broker's side is closed; the client is told after `closeDelayMs`, until when what it sends goes nowhere. */
  endBroker(): void {
    for (const link of this.#links) link.endBroker();
  }

  /** The broker's side is closed, and the client is not told: its connection stays open, towards nobody. */
  halfOpen(): void {
    for (const link of this.#links) link.forgetBroker();
  }

  /**
   * Of the connections that are opened from now on, the first on which so many bytes of that direction have passed is reset; a chunk
   * is cut at that byte.
   */
  resetNext(direction: Direction, afterBytes: number): PlannedReset {
    const plan: PlannedReset = { direction, afterBytes, hasFired: false };
    this.#planned.push(plan);
    return plan;
  }

  /** The same of the connections that are open now, and bytes that pass from now on. */
  resetOpen(direction: Direction, afterBytes: number): PlannedReset {
    const plan: PlannedReset = { direction, afterBytes, hasFired: false };
    for (const link of this.#links) link.plan(plan);
    return plan;
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    if (this.#server.listening) await once(this.#server, 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #accept(client: Socket): void {
    if (this.#refuses || this.#target === undefined) {
      client.on('error', () => undefined); // it may be gone already
      client.resetAndDestroy();
      return;
    }
    const link = new Link(client, connect({ ...this.#target, noDelay: true, allowHalfOpen: true }), this, {
      isSilent: () => this.#isBlackhole,
      onEnd: () => this.#links.delete(link),
    });
    this.#links.add(link);
    this.#planned = this.#planned.filter(({ hasFired }) => !hasFired);
    for (const plan of this.#planned) link.plan(plan);
  }
}

type Faults = Pick<TcpProxy, 'latencyMs' | 'swallowsAnswers' | 'closeDelayMs'>;

/** A client's connection and the one to the broker that belongs to it. */
class Link {
  readonly #client: Socket;
  readonly #broker: Socket;
  readonly #faults: Faults;
  readonly #isSilent: () => boolean;
  readonly #onEnd: () => void;
  readonly #lines = { toBroker: new DelayLine(), toClient: new DelayLine() };
  readonly #passed = { toBroker: 0, toClient: 0 };
  readonly #held = { toBroker: 0, toClient: 0 };
  #plans: { readonly plan: PlannedReset; readonly atByte: number }[] = [];
  #isBrokerForgotten = false;
  #isOver = false;

  constructor(
    client: Socket,
    broker: Socket,
    faults: Faults,
    hooks: { readonly isSilent: () => boolean; readonly onEnd: () => void },
  ) {
    this.#client = client;
    this.#broker = broker;
    this.#faults = faults;
    this.#isSilent = hooks.isSilent;
    this.#onEnd = hooks.onEnd;
    client.setNoDelay(true);
    this.#connectSides('toBroker', client, broker);
    this.#connectSides('toClient', broker, client);
  }

  plan(plan: PlannedReset): void {
    this.#plans.push({ plan, atByte: this.#passed[plan.direction] + plan.afterBytes });
    this.#fireDue(plan.direction);
  }

  reset(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopLines();
    this.#client.resetAndDestroy();
    this.#broker.resetAndDestroy();
    this.#onEnd();
  }

  endBroker(): void {
    this.#broker.destroy();
  }

  forgetBroker(): void {
    this.#isBrokerForgotten = true;
    this.#broker.destroy();
  }

  #connectSides(direction: Direction, from: Socket, to: Socket): void {
    from.on('data', (chunk: Buffer) => this.#carry(direction, from, to, chunk));
    from.on('error', () => undefined); // `close` follows
    from.on('end', () => this.#lines[direction].send(this.#faults.closeDelayMs, () => to.end()));
    from.on('close', () => {
      if (from === this.#broker && this.#isBrokerForgotten) return;
      this.#lines[direction].send(this.#faults.closeDelayMs, () => this.#end());
    });
  }

  #carry(direction: Direction, from: Socket, to: Socket, chunk: Buffer): void {
    if (this.#isSilent() || this.#isBrokerForgotten) return;
    if (direction === 'toClient' && this.#faults.swallowsAnswers) return;
    const due = this.#duePlans(direction, this.#passed[direction] + chunk.length);
    const atByte = Math.min(...due.map((each) => each.atByte));
    const passing = due.length === 0 ? chunk : chunk.subarray(0, atByte - this.#passed[direction]);
    this.#passed[direction] += passing.length;
    this.#held[direction] += passing.length;
    if (this.#held[direction] > HELD_BYTES_MAX) from.pause();
    this.#lines[direction].send(this.#faults.latencyMs, () => {
      to.write(passing, () => {
        this.#held[direction] -= passing.length;
        if (from.isPaused() && this.#held[direction] <= HELD_BYTES_MAX) from.resume();
        this.#fireDue(direction);
      });
    });
  }

  #fireDue(direction: Direction): void {
    const due = this.#duePlans(direction, this.#passed[direction]);
    if (due.length === 0) return;
    for (const { plan } of due) plan.hasFired = true;
    this.#plans = [];
    this.reset();
  }

  /** Those that no other connection has used up. */
  #duePlans(direction: Direction, passed: number) {
    return this.#plans.filter(({ plan, atByte }) => plan.direction === direction && !plan.hasFired && atByte <= passed);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopLines();
    this.#client.destroy();
    this.#broker.destroy();
    this.#onEnd();
  }

  #stopLines(): void {
    this.#lines.toBroker.stop();
    this.#lines.toClient.stop();
  }
}

/** One direction of a connection: what is sent arrives after its delay, and never before what was sent earlier, whatever the delays. */
class DelayLine {
  readonly #waiting: { readonly dueMs: number; readonly arrive: () => void }[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** At once without a delay and with nobody before it. */
  send(delayMs: number, arrive: () => void): void {
    if (delayMs === 0 && this.#waiting.length === 0) {
      arrive();
      return;
    }
    const before = this.#waiting.at(-1)?.dueMs ?? 0;
    this.#waiting.push({ dueMs: Math.max(performance.now() + delayMs, before), arrive });
    this.#timer ??= setTimeout(() => this.#arrivals(), delayMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#waiting.length = 0;
  }

  #arrivals(): void {
    this.#timer = undefined;
    for (let next = this.#waiting[0]; next !== undefined && next.dueMs <= performance.now(); next = this.#waiting[0]) {
      // It leaves the line only when it has arrived: what is sent meanwhile must see it.
      next.arrive();
      this.#waiting.shift();
    }
    const [next] = this.#waiting;
    if (next !== undefined)
      this.#timer = setTimeout(() => this.#arrivals(), Math.max(0, next.dueMs - performance.now()));
  }
}
