/** Consumers of one subscription that each take a while for a message, one after the other, as real ones do. */

import type { WireDelivery } from '../systems/wire.ts';
import type { ScenarioContext } from './scenario.ts';
import { type Received, signal } from './stage.ts';

export interface Done extends Received {
  readonly worker: number;
}

export interface Workers {
  readonly done: readonly Done[];
  /** Different texts that are done. */
  readonly count: () => number;
  /** Resolves when each has done what it is at now; what it has beyond that is not waited for. */
  readonly handsFree: () => Promise<void>;
  /** Rejects when a consumer ended by itself. */
  readonly failed: Promise<void>;
  readonly close: () => Promise<void>;
}

/** Resolves when all of them are open. `serviceMs` says how long a worker takes for a text, or ends when it is done. */
export async function openWorkers(
  { stage }: Pick<ScenarioContext, 'stage'>,
  subscription: string,
  options: {
    readonly workers: number;
    readonly credit: number;
    readonly serviceMs: (worker: number, text: string) => number | Promise<void>;
  },
): Promise<Workers> {
  const done: Done[] = [];
  const different = new Set<string>();
  const failure = signal();
  const atHand: Promise<void>[] = [];
  const work = async (worker: number, delivery: WireDelivery): Promise<void> => {
    const text = delivery.value.toString();
    const service = options.serviceMs(worker, text);
    await (typeof service === 'number' ? stage.pause(service) : service);
    done.push({ ...stage.toReceived(delivery), worker });
    different.add(text);
    delivery.ack();
  };
  const opened = Array.from({ length: options.workers }, async (_, worker) => {
    let last: Promise<void> = Promise.resolve();
    return await stage.consume(subscription, {
      credit: options.credit,
      settle: { kind: 'each' },
      onDelivery: (delivery) => {
        last = last.then(async () => {
          atHand[worker] = work(worker, delivery);
          await atHand[worker];
        });
      },
      onError: failure.reject,
    });
  });
  const consumers = await Promise.all(opened);
  return {
    done,
    count: () => different.size,
    handsFree: async () => void (await Promise.all(atHand)),
    failed: failure.promise,
    close: async () => void (await Promise.all(consumers.map((consumer) => consumer.close()))),
  };
}

/** By worker: how many it did. */
export function shares(done: readonly Done[], workers: number): readonly number[] {
  return Array.from({ length: workers }, (_, worker) => done.filter((one) => one.worker === worker).length);
}
