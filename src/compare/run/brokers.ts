/** The brokers of a run: those that it needs and does not have it starts, ends, and may start again on fresh data. */

import { type BrokerKind, type ObtainedBrokers, obtainBrokers } from '../../brokers/index.ts';
import type { CompareOptions } from './compare-options.ts';
import { namesOfRun } from './plan.ts';
import { rabbitMqSettingsOf } from '../settings/index.ts';
import { backendOf, namesOn, systemOf, versionOf } from '../systems/system-ids.ts';
import { type OtherBroker, otherBrokerOf } from '../systems/systems.ts';

/** Addresses outside this machine were given, and nobody said that they may be loaded. */
export class RemoteRefused extends Error {
  override readonly name = 'RemoteRefused';
}

export class RunBrokers {
  readonly #options: CompareOptions;
  #brokers: ObtainedBrokers | null;
  #others: ReadonlyMap<OtherBroker, ObtainedBrokers>;

  private constructor(
    options: CompareOptions,
    brokers: ObtainedBrokers | null,
    others: ReadonlyMap<OtherBroker, ObtainedBrokers>,
  ) {
    this.#options = options;
    this.#brokers = brokers;
    this.#others = others;
  }

  /** Rejects with RemoteRefused where one is elsewhere and nobody allowed that. */
  static async obtain(options: CompareOptions): Promise<RunBrokers> {
    const brokers = options.brokers ?? (await obtainNeeded(options));
    const all = new RunBrokers(options, brokers, await obtainOthers(options, brokers));
    try {
      if (!options.allowsRemote) for (const obtained of [brokers, ...all.others.values()]) refuseRemote(obtained);
    } catch (reason) {
      await all.stop();
      throw reason;
    }
    return all;
  }

  get brokers(): ObtainedBrokers | null {
    return this.#brokers;
  }

  get others(): ReadonlyMap<OtherBroker, ObtainedBrokers> {
    return this.#others;
  }

  /** null where every broker is this run's own; else why fresh data directories cannot be had. */
  get whyNotFresh(): string | null {
    const given = [this.#brokers, ...this.#others.values()].flatMap((obtained) =>
      (['rabbitmq', 'kafka'] as const).filter(
        (kind) => obtained?.[kind] !== undefined && !obtained.started.includes(kind),
      ),
    );
    if (this.#options.brokers !== undefined || given.length > 0)
      return 'its brokers ran before the run and belong to somebody else';
    return null;
  }

  /** All of them ended, and the same again on data directories that are new. Their addresses are others. Rejects where one does not come back. */
  async renew(): Promise<void> {
    const before = this.#kinds();
    await this.stop();
    this.#brokers = null;
    this.#others = new Map();
    this.#brokers = await obtainNeeded(this.#options);
    this.#others = await obtainOthers(this.#options, this.#brokers);
    const now = this.#kinds();
    const lost = before.filter((kind) => !now.includes(kind));
    if (lost.length === 0) return;
    const reasons = [this.#brokers, ...this.#others.values()].flatMap((obtained) => obtained?.skipped ?? []);
    throw new Error(`${lost.join(', ')} could not be started anew: ${reasons.map(({ reason }) => reason).join('; ')}`);
  }

  #kinds(): readonly string[] {
    const all = [['', this.#brokers] as const, ...this.#others.entries()];
    return all.flatMap(([other, obtained]) =>
      (['rabbitmq', 'kafka'] as const)
        .filter((kind) => obtained?.[kind] !== undefined)
        .map((kind) => `${kind} ${other}`.trim()),
    );
  }

  /** Ends what the run started; what was given to it goes on. */
  async stop(): Promise<void> {
    if (this.#options.brokers === undefined) await this.#brokers?.stop();
    for (const other of this.#others.values()) await other.stop();
  }
}

async function obtainNeeded({ systems, layers, onProgress }: CompareOptions): Promise<ObtainedBrokers | null> {
  const kinds = new Set(systems.filter((name) => versionOf(name) === null).map((name) => backendOf[systemOf(name)]));
  const want = (['rabbitmq', 'kafka'] as const satisfies readonly BrokerKind[]).filter((kind) => kinds.has(kind));
  if (want.length === 0) return null;
  const asksForStreams = layers.some((layer) => namesOn(layer, systems).includes('rabbitmq-stream-protocol'));
  return await obtainBrokers({ want, onProgress, ...(asksForStreams ? { rabbitmqStreams: true } : {}) });
}

/** One RabbitMQ for each version that a name asks for, and one with tuned settings. */
async function obtainOthers(
  options: CompareOptions,
  brokers: ObtainedBrokers | null,
): Promise<ReadonlyMap<OtherBroker, ObtainedBrokers>> {
  const { onProgress } = options;
  const found = new Map<OtherBroker, ObtainedBrokers>();
  for (const name of new Set(options.layers.flatMap((layer) => namesOfRun(options, layer)))) {
    const other = otherBrokerOf(name);
    const settings = rabbitMqSettingsOf(name);
    // Beside a broker that is no process of this machine the difference would be more than settings.
    if (other === null || found.has(other) || (settings !== null && brokers?.rabbitmq?.source !== 'process')) continue;
    const how = {
      ...(settings === null ? {} : { rabbitmqSettings: settings }),
      ...(other === 'tuned' ? {} : { rabbitmqVersion: other }),
    };
    found.set(other, await obtainBrokers({ want: ['rabbitmq'], ...how, onProgress }));
  }
  return found;
}

/** A comparison is a load test: not for a broker that others may be using. */
function refuseRemote(brokers: ObtainedBrokers | null): void {
  const hosts = [
    ...(brokers?.rabbitmq?.urls.map((url) => new URL(url).hostname) ?? []),
    ...(brokers?.kafka?.brokers.map((address) => address.slice(0, address.lastIndexOf(':'))) ?? []),
  ];
  const remote = hosts.find((host) => !/^(127\.\d+\.\d+\.\d+|localhost|\[?::1\]?)$/.test(host));
  if (remote !== undefined)
    throw new RemoteRefused(`${remote} is not this machine; --allow-remote puts the load on it all the same`);
}
