/**
 * The broker for tests: engine, driver and port as in production, on a directory, a clock and a disk that belong to the test.
 *
 *   test --> port --> FaultyDriver --> native driver --> engine --> faulty files --> temporary directory
 *              \______________ BrokerClock ______________/
 */

import { PortError } from '../adapters/errors.ts';
import { driverOver } from '../adapters/native/index.ts';
import { portFromDriver, type SeverablePort } from '../adapters/open-port.ts';
import type { MessagingPort, Persistence, SubscriptionOptions, TopicOptions } from '../adapters/port.ts';
import { type Engine, openEngine } from '../core-log/index.ts';
import { Activity } from './activity.ts';
import { Arrivals } from './arrivals.ts';
import { makeDirectory, removeDirectory } from './directories.ts';
import { type Faults, PlantedFaults } from './faults.ts';
import { FaultyDriver } from './faulty-driver.ts';
import { faultyFiles } from './faulty-files.ts';
import * as look from './look.ts';
import type { DeadLetterSeen, LookParts, PendingMessage, PublishedMessage, WaitOptions } from './look.ts';
import { BrokerClock, type TestClock } from './test-clock.ts';

export interface TestBrokerOptions {
  /**
   * What a publish reaches that does not ask. Default `os`, which is fast; `fsync` is production's default, and then every
   * file is synced as there. A publish that asks for `fsync` itself gets it in either case.
   */
  readonly durability?: Persistence;
  /** `stopped`: only `clock.advance` moves the time. Default `running`. */
  readonly clock?: 'running' | 'stopped';
  /** What the broker's clock shows at the start, in milliseconds since 1970. Default now. */
  readonly startMs?: number;
  /** Serves the REST API on a free port of 127.0.0.1; `broker.url` says where. */
  readonly rest?: boolean;
  /** Made at once: a name is a topic of one partition. */
  readonly topics?: readonly (string | TopicOptions)[];
  /** Made at once, after the topics. Default start: `earliest`, unlike the port's, so that a test need not order its steps. */
  readonly subscriptions?: readonly SubscriptionOptions[];
  /** A segment is closed at this size: small ones make retention by bytes visible. */
  readonly segmentBytes?: number;
}

export interface TestBroker extends AsyncDisposable {
  /** The full port, as `openPort` gives it. After `restart()` it is another one. */
  readonly port: MessagingPort;
  /** Where REST answers; null without `rest: true`. */
  readonly url: string | null;
  readonly clock: TestClock;
  readonly faults: Faults;
  readonly dataDir: string;

  /** Everything that the topic holds now, in the order in which it was stored. Rejects with `topic_not_found`. */
  published(topic: string): Promise<readonly PublishedMessage[]>;
  /** Resolves with the messages that fit once there are enough; the topic may come later. Rejects with `deadline_exceeded`. */
  waitForPublished(topic: string, options?: WaitOptions): Promise<readonly PublishedMessage[]>;
  /** What the subscription has not settled: not delivered yet, out with a consumer, or waiting for its back-off. */
  pending(subscription: string): Promise<readonly PendingMessage[]>;
  /** Resolves when nothing is pending. Rejects with `deadline_exceeded`, naming what is. */
  waitForSettled(subscription: string, options?: Pick<WaitOptions, 'timeoutMs'>): Promise<void>;
  /** What the subscription gave up, with reason and attempts. */
  deadLetters(subscription: string): Promise<readonly DeadLetterSeen[]>;
  waitForDeadLetters(subscription: string, options?: Omit<WaitOptions, 'where'>): Promise<readonly DeadLetterSeen[]>;

  /**
   * Closes the broker in order and opens it again on the same directory: consumers end, what was stored is there. Also what
   * brings a partition back after `faults.failSyncs`. REST keeps its address.
   */
  restart(): Promise<void>;
  /** Ends consumers, closes everything and removes the directory. Idempotent. */
  close(): Promise<void>;
}

/**
 * A broker for one test: topics, subscriptions, leases, retries and dead letters of the real engine in a directory of its own.
 * Safe under parallel workers. Opens in a few milliseconds.
 * @throws PortError `invalid_argument` for bad options.
 * @example
 *   await using broker = await createTestBroker({ topics: ['orders'], subscriptions: [{ name: 'billing', topic: 'orders' }] });
 *   await broker.port.publish('orders', [{ key: 'customer-42', value: 'paid' }]);
 *   expect((await broker.published('orders')).map(({ text }) => text)).toEqual(['paid']);
 */
export async function createTestBroker(options: TestBrokerOptions = {}): Promise<TestBroker> {
  checkOptions(options);
  const broker = new LocalTestBroker(options, await makeDirectory());
  try {
    await broker.open();
    await broker.define();
  } catch (reason) {
    await broker.close().catch(() => undefined); // the reason below is the one that matters
    throw reason;
  }
  return broker;
}

interface OpenParts {
  readonly engine: Engine;
  readonly driver: FaultyDriver;
  readonly port: SeverablePort;
  readonly rest: { readonly url: string; close(): Promise<void> } | undefined;
}

class LocalTestBroker implements TestBroker {
  readonly dataDir: string;
  readonly clock: BrokerClock;
  readonly faults = new PlantedFaults();
  readonly #options: TestBrokerOptions;
  readonly #activity = new Activity();
  readonly #arrivals = new Arrivals();
  #opened: OpenParts | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: TestBrokerOptions, dataDir: string) {
    this.#options = options;
    this.dataDir = dataDir;
    this.clock = new BrokerClock({
      startMs: options.startMs ?? Date.now(),
      isStopped: options.clock === 'stopped',
    });
    this.faults.whenDropped = () => {
      this.#opened?.driver.cutPublishes();
      this.#opened?.port.expireLeases();
    };
    // The engine would do it by itself within minutes; a test does not wait. What cannot be removed is the engine's to retry.
    this.clock.whenAdvanced = async () => void (await this.#opened?.engine.applyRetention().catch(() => undefined));
  }

  get port(): MessagingPort {
    return this.#parts.port;
  }

  get url(): string | null {
    return this.#parts.rest?.url ?? null;
  }

  async open(portNumber = 0): Promise<void> {
    const { durability = 'os', segmentBytes, rest } = this.#options;
    const engine = await openEngine({
      dataDir: this.dataDir,
      clock: this.clock.forEngine(),
      fileSystem: faultyFiles({ faults: this.faults, clock: this.clock, syncsAll: durability === 'fsync' }),
    });
    const driver = new FaultyDriver(driverOver(engine, { durability, segmentBytes }), {
      faults: this.faults,
      clock: this.clock,
      activity: this.#activity,
      arrivals: this.#arrivals,
    });
    const port = await portFromDriver(driver, {}, this.clock);
    this.#opened = { engine, driver, port, rest: undefined };
    if (rest !== true) return;
    const { serveRest } = await import('./main.ts');
    this.#opened = { engine, driver, port, rest: await serveRest(port, portNumber) };
  }

  /** The topics and subscriptions of the options. */
  async define(): Promise<void> {
    const { topics = [], subscriptions = [] } = this.#options;
    for (const topic of topics) await this.port.createTopic(typeof topic === 'string' ? { name: topic } : topic);
    for (const subscription of subscriptions)
      await this.port.createSubscription({ start: 'earliest', ...subscription });
  }

  async published(topic: string): Promise<readonly PublishedMessage[]> {
    return await look.published(this.#look, topic);
  }

  async waitForPublished(topic: string, options?: WaitOptions): Promise<readonly PublishedMessage[]> {
    return await look.waitForPublished(this.#look, topic, options);
  }

  async pending(subscription: string): Promise<readonly PendingMessage[]> {
    return await look.pending(this.#look, subscription);
  }

  async waitForSettled(subscription: string, options?: Pick<WaitOptions, 'timeoutMs'>): Promise<void> {
    await look.waitForSettled(this.#look, subscription, options);
  }

  async deadLetters(subscription: string): Promise<readonly DeadLetterSeen[]> {
    return await look.deadLetters(this.#look, subscription);
  }

  async waitForDeadLetters(
    subscription: string,
    options?: Omit<WaitOptions, 'where'>,
  ): Promise<readonly DeadLetterSeen[]> {
    return await look.waitForDeadLetters(this.#look, subscription, options);
  }

  async restart(): Promise<void> {
    const { rest } = this.#parts;
    const portNumber = rest === undefined ? 0 : Number(new URL(rest.url).port);
    this.faults.clear();
    await this.#closeParts();
    await this.open(portNumber);
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  get #parts(): OpenParts {
    if (this.#opened === undefined || this.#closing !== undefined)
      throw new PortError('closed', 'the test broker is closed');
    return this.#opened;
  }

  get #look(): LookParts {
    const { port, engine } = this.#parts;
    return { port, engine, arrivals: this.#arrivals, activity: this.#activity };
  }

  async #close(): Promise<void> {
    this.faults.clear();
    try {
      await this.#closeParts();
    } finally {
      this.clock.close();
      await removeDirectory(this.dataDir);
    }
  }

  async #closeParts(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.rest?.close();
    // Publishes that a planted delay holds would hold the port.
    opened?.driver.cutPublishes();
    try {
      await opened?.port.close();
    } catch (reason) {
      // A disk that failed on demand leaves files that cannot be closed in order. Without a fault it is worth knowing.
      if (!this.faults.haveStruck) throw reason;
    }
  }
}

const optionNames: readonly string[] = [
  'durability',
  'clock',
  'startMs',
  'rest',
  'topics',
  'subscriptions',
  'segmentBytes',
] satisfies (keyof TestBrokerOptions)[];

function checkOptions(options: TestBrokerOptions): void {
  const problems = Object.keys(options)
    .filter((name) => !optionNames.includes(name))
    .map((name) => `${name} is not an option`);
  const { durability = 'os', clock = 'running', startMs = 0 } = options;
  if (!['memory', 'os', 'fsync'].includes(durability)) problems.push('durability must be memory, os or fsync');
  if (!['running', 'stopped'].includes(clock)) problems.push('clock must be running or stopped');
  if (!(Number.isSafeInteger(startMs) && startMs >= 0)) problems.push('startMs must be milliseconds since 1970');
  if (problems.length > 0) throw new PortError('invalid_argument', `createTestBroker: ${problems.join('; ')}`);
}
