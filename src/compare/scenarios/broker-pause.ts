/** The broker stands still (SIGSTOP) for a while: for how long is nothing stored or delivered, and is anything lost? */

import { longestGap, numberOf, startFlow } from './flow.ts';
import { Ledger, lossesInWords } from './ledger.ts';
import { everySystem, expected, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';

const everyMs = 5;
const beforeMs = 700;
const quietMs = 3_000;
/** The clients have this long to notice that it goes on. */
const recoveryMsMax = 10_000;
const afterMs = 1_000;

export const brokerPause: Scenario = {
  id: 'broker-pause',
  number: 'S31',
  title: 'Broker paused',
  question: 'After a pause of the broker (SIGSTOP), do publishing and delivery go on by themselves, without a loss?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: true,
  isFault: true,
  deadlineMs: () => 90_000,
  expectations: [
    expected(
      everySystem,
      'any',
      'PASS',
      'A pause shorter than heartbeats and request timeouts only delays: connections and sessions outlive it.',
      'rabbitmq-website docs/heartbeats; kafka broker and consumer configs (session and request timeouts)',
    ),
  ],
  run,
};

/** 2 s in smoke, 5 in standard, 10 in full. */
function pauseMsOf(messages: number): number {
  if (messages < 1_000) return 2_000;
  return messages < 10_000 ? 5_000 : 10_000;
}

async function run(context: ScenarioContext): Promise<Finding> {
  const { wire, stage, messages, faults } = context;
  if (faults === null) throw new Error('broker-pause needs faults');
  const pauseMs = pauseMsOf(messages);
  const topic = await stage.topic('t');
  const subscription = await stage.subscription('s', topic);
  const ledger = new Ledger();
  const deliveredAt: number[] = [];
  await stage.consume(subscription, {
    credit: 200,
    settle: { kind: 'batch', ackBatch: 20 },
    onDelivery: ({ value }) => {
      const number = numberOf(value.toString());
      if (number !== null) ledger.see(number);
      deliveredAt.push(stage.nowMs);
    },
  });
  const flow = await startFlow(stage, wire, topic, ledger, everyMs);
  await stage.until(() => deliveredAt.length > 0, 'the first delivery');
  await stage.pause(beforeMs);
  const pausedAt = stage.nowMs;
  faults.pause();
  await stage.pause(pauseMs);
  faults.resume();
  const resumedAt = stage.nowMs;
  const isBack = () => flow.answers.some(({ sentMs, isAcked }) => isAcked && sentMs > resumedAt);
  await Promise.race([stage.until(isBack, 'a publish to be answered again'), stage.pause(recoveryMsMax)]);
  const backMs = Math.round(stage.nowMs - resumedAt);
  const cameBack = isBack();
  await stage.pause(afterMs);
  await flow.stop();
  const endAt = stage.nowMs;
  await Promise.race([stage.until(() => flow.open() === 0, 'the answers'), stage.pause(recoveryMsMax)]);
  let lastCount = -1;
  while (deliveredAt.length !== lastCount || stage.nowMs - (deliveredAt.at(-1) ?? 0) < quietMs) {
    lastCount = deliveredAt.length;
    if (ledger.balance().lost === 0 && flow.open() === 0) break;
    await stage.pause(100);
  }
  const balance = ledger.balance();
  const answeredAt = flow.answers.filter(({ isAcked }) => isAcked).map(({ answeredMs }) => answeredMs);
  const publishGapMs = longestGap(answeredAt, pausedAt, endAt);
  const deliveryGapMs = longestGap(deliveredAt, pausedAt, endAt);
  return {
    verdict: cameBack && balance.lost === 0 ? 'PASS' : 'DIFFERS',
    summary: `paused for ${pauseMs} ms: no answer for ${publishGapMs} ms, no delivery for ${deliveryGapMs} ms; ${lossesInWords(balance)} of ${balance.acked}, ${balance.unknown + balance.refused} not stored for certain, ${balance.duplicates} twice`,
    observed: {
      pauseMs,
      publishGapMs,
      deliveryGapMs,
      backAfterResumeMs: backMs,
      sent: balance.sent,
      acked: balance.acked,
      unknown: balance.unknown,
      refused: balance.refused,
      lost: balance.lost,
      duplicates: balance.duplicates,
    },
    evidence: [],
  };
}
