/** The most that generator, payload codec and checkers do against nothing: a rate near it measures them, not a system. */

import { LoadRun } from './load-run.ts';
import type { WirePublisher } from '../systems/wire.ts';
import { PayloadCodec, planFromSpec, type WorkloadSpec } from '../workloads/index.ts';

const probeMs = 300;
const probeMessages = 200_000;

/** Messages per second, in one process, sent and received. */
export async function generatorCeiling(spec: WorkloadSpec): Promise<number> {
  const plan = planFromSpec({
    seed: 1,
    messages: probeMessages,
    messageBytes: spec.messageBytes,
    keys: spec.keys,
    keyDistribution: spec.keyDistribution,
    ratePerSecond: null,
    arrival: 'closed-window',
  });
  const one: WorkloadSpec = {
    ...spec,
    subscriptions: 1,
    warmupMs: 0,
    warmupMaxMs: 0,
    measuredMs: probeMs,
    arrival: 'closed-window',
  };
  const run = new LoadRun(one, plan, new PayloadCodec(1, spec.messageBytes));
  run.begin();
  await run.send(echoTo(run));
  return Math.round((run.window.received / run.windowMs) * 1000);
}

const ignore = () => {};
/** Of a delivery that no broker made, all but its message. */
export const echoed = {
  partition: 0,
  offset: null,
  attempt: 1,
  isRedelivered: false,
  headers: () => ({}),
  ack: ignore,
  nack: ignore,
  reject: ignore,
};

/** Answers and delivers everything at once. */
function echoTo(run: LoadRun): WirePublisher {
  return {
    publish(messages, settled) {
      for (const [index, { key, value }] of messages.entries()) {
        settled(index, { fate: 'acked' });
        run.receive(0, { ...echoed, key, value });
      }
    },
    close: () => Promise.resolve(),
  };
}
