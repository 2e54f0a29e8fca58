/** The broker is killed (SIGKILL) in the middle of publishing and started again: is anything lost that was acknowledged? */

import { seededRandom } from '../workloads/index.ts';
import { boundOf } from './figures.ts';
import { numberOf, readBack, startFlow } from './flow.ts';
import { Ledger, lossesInWords } from './ledger.ts';
import { everySystem, expected, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';
import type { Layer } from '../report/model.ts';
import type { Wire } from '../systems/wire.ts';

const everyMs = 2;
const killAfterMsMin = 300;
const killAfterMsSpread = 700;
/** What was under way at the kill gets its answer or none within this after the restart. */
const settleMsMax = 8_000;
const quietMs = 500;
/** What is younger than this when the broker dies is another question: broker-kill-new-queue. */
const ageMs = 5_000;
const roundMsMax = 60_000;

export const brokerKill: Scenario = {
  id: 'broker-kill',
  number: 'S28',
  title: 'Broker killed',
  question:
    'Is every acknowledged message of a topic that is not brand new there after the broker was killed (SIGKILL) and started again?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: true,
  isFault: true,
  deadlineMs: (messages) => killsOf(messages, 'bare') * roundMsMax,
  expectations: [
    expected(
      everySystem,
      'any',
      'PASS',
      'A killed process loses what it had not yet given to the kernel; each of them answers after that. A power cut is another matter.',
      'RabbitMQ blog 2025-01-17 on how messages are stored; rabbitmq-website docs/confirms; kafka docs/design (replication, log flush)',
    ),
  ],
  run,
};

/** 1 in smoke, 2 in standard, 30 in full, and there 10 through the port, whose broker is the same one: thirty starts of Kafka are eight minutes. */
function killsOf(messages: number, layer: Layer): number {
  if (messages < 1_000) return 1;
  if (messages < 10_000) return 2;
  return layer === 'bare' ? 30 : 10;
}

async function run(context: ScenarioContext): Promise<Finding> {
  const { wire, stage, messages, seed } = context;
  const faults = context.faults;
  if (faults === null) throw new Error('broker-kill needs faults');
  const kills = killsOf(messages, wire.layer);
  const random = seededRandom(seed);
  const topic = await stage.topic('t');
  const subscription = await stage.subscription('s', topic);
  await stage.pause(ageMs);
  const ledger = new Ledger();
  const startMs: number[] = [];
  let roundsWithLoss = 0;
  let current: Wire = wire;
  for (let round = 0; round < kills; round++) {
    const flow = await startFlow(stage, current, topic, ledger, everyMs);
    await stage.pause(killAfterMsMin + random() * killAfterMsSpread);
    await faults.kill();
    await flow.stop();
    startMs.push(await stage.within(faults.start(), 'the broker to start again'));
    await Promise.race([stage.until(() => flow.open() === 0, 'the answers'), stage.pause(settleMsMax)]);
    const before = ledger.balance().lost;
    // A fresh consumer, until nothing more comes.
    const { wire: fresh, received } = await readBack(context, { topic, subscription, quietMs });
    current = fresh;
    for (const { text } of received) {
      const number = numberOf(text);
      if (number !== null) ledger.see(number);
    }
    const { lost } = ledger.balance();
    // What an earlier round lost is lost in this one too.
    if (lost > 0 && lost !== before) roundsWithLoss++;
  }
  const balance = ledger.balance();
  const { acked, unknown, refused, recovered, duplicates, seen, sent } = balance;
  const isSound = balance.lost === 0 && balance.refusedAndSeen === 0;
  return {
    verdict: acked === 0 ? 'INCONCLUSIVE' : isSound ? 'PASS' : 'DIFFERS',
    summary: `${kills} ${kills === 1 ? 'kill' : 'kills'}: ${lossesInWords(balance)} of ${acked}; ${unknown} unanswered, of which ${recovered} were there; loss in ${boundOf(roundsWithLoss, kills)}`,
    observed: {
      kills,
      sent,
      acked,
      refused,
      unknown,
      seen,
      lost: balance.lost,
      lostPrefix: balance.losses.prefix,
      lostMiddle: balance.losses.middle,
      lostSuffix: balance.losses.suffix,
      unknownAndThere: recovered,
      refusedAndThere: balance.refusedAndSeen,
      duplicates,
      restartMs: startMs,
    },
    evidence: [`kills with loss: ${boundOf(roundsWithLoss, kills)}`],
  };
}
