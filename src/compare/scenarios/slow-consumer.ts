/** One consumer is much slower than the other: how much of the work waits for it? */

import { everySystem, expected, type Finding, queues, type Scenario, type ScenarioContext } from './scenario.ts';
import { held, type Text } from './stage.ts';
import { openWorkers, shares } from './workers.ts';

const credits = [1, 20] as const;
const slowMs = 250;
const fastMs = 1;
const messages = 60;
const partitions = 2;
/**
 * With a credit of one these may wait for the slow one when the fast one has nothing left: one in hand, one on its way. How many it did
 * while both were at work is a question of their pace, and of the machine's.
 */
const heldUpMax = 2;

export const slowConsumer: Scenario = {
  id: 'slow-consumer',
  number: 'S17',
  title: 'Slow and fast consumer',
  question: 'With the smallest prefetch, does the fast consumer do all that a slow one would hold up?',
  layers: ['port', 'bare'],
  notFor: (system, layer) =>
    system === 'log' && layer === 'bare' ? 'the engine alone has no groups of consumers' : null,
  exclusive: false,
  deadlineMs: () => 60_000,
  expectations: [
    expected(
      queues,
      'any',
      'PASS',
      'A consumer gets the next when it acked; a large prefetch strands messages with the slow one.',
      'rabbitmq-website docs/consumer-prefetch',
    ),
    expected(
      ['log'],
      'port',
      'PASS',
      'Credit is asked for, never pushed.',
      'Sluice capability consume.beyondPartitions',
    ),
    expected(
      everySystem,
      'port',
      'EMULATED',
      'The port hands each message on its own.',
      'Sluice capability consume.beyondPartitions',
    ),
    expected(
      ['kafka'],
      'bare',
      'DIFFERS',
      'The partitions of a slow member wait for it; no other may take them.',
      'kafka docs/design (consumer groups)',
    ),
    expected(
      ['rabbitmq-stream'],
      'bare',
      'DIFFERS',
      'Readers of a stream do not share it: each gets everything.',
      'rabbitmq-website docs/streams',
    ),
  ],
  run,
};

async function run(context: ScenarioContext): Promise<Finding> {
  const { wire, stage } = context;
  const tookMs: number[] = [];
  const bySlow: number[] = [];
  const heldUp: number[] = [];
  let repeated = 0;
  for (const credit of credits) {
    const topic = await stage.topic(`t${credit}`, partitions);
    const subscription = await stage.subscription(`s${credit}`, topic);
    const crew = await openWorkers(context, subscription, {
      workers: 2,
      credit,
      serviceMs: (worker) => (worker === 0 ? slowMs : fastMs),
    });
    const all: readonly Text[] = Array.from({ length: messages }, (_, i) => ({ key: `key-${i}`, text: `m-${i}` }));
    const startedMs = stage.nowMs;
    await stage.publishAcked(topic, all);
    await Promise.race([stage.until(() => crew.count() === messages, 'all to be done'), crew.failed]);
    tookMs.push(Math.round(stage.nowMs - startedMs));
    // Where each reads everything, the fast one may be through before the slow one has done its first: that one is a repetition.
    await Promise.race([crew.handsFree(), crew.failed]);
    bySlow.push(shares(crew.done, 2)[0] ?? 0);
    heldUp.push(crew.done.length - 1 - crew.done.findLastIndex(({ worker }) => worker === 1));
    repeated += crew.done.length - messages;
    await crew.close();
  }
  const holds = (heldUp[0] ?? messages) <= heldUpMax && repeated === 0;
  return {
    verdict: holds ? held(wire, 'consume.beyondPartitions') : 'DIFFERS',
    summary: `with a prefetch of ${credits.join(' and ')}, ${heldUp.join(' and ')} of ${messages} waited for the slow one when the fast one had nothing left, and the slow one did ${bySlow.join(' and ')}; all done after ${tookMs.join(' and ')} ms${repeated > 0 ? `, ${repeated} done more than once` : ''}`,
    observed: { messages, prefetch: [...credits], doneBySlow: bySlow, heldUp, tookMs, slowMs, fastMs, repeated },
    evidence: [],
  };
}
