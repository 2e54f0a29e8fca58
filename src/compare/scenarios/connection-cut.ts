/** Every connection of the client is reset: does it come back by itself, and what becomes of what was under way? */

import { longestGap, numberOf, readBack, startFlow } from './flow.ts';
import { Ledger, lossesInWords } from './ledger.ts';
import { everySystem, expected, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';

const everyMs = 5;
const beforeMs = 500;
const recoveryMsMax = 10_000;
const afterMs = 1_000;
const quietMs = 500;
const rabbitMq = ['rabbitmq-quorum', 'rabbitmq-classic', 'rabbitmq-stream'] as const;

export const connectionCut: Scenario = {
  id: 'connection-cut',
  number: 'S32',
  title: 'Connections cut',
  question: 'After all its connections were reset, do publisher and consumer go on by themselves, without a loss?',
  layers: ['port', 'bare'],
  notFor: (system) => (system === 'log' ? 'the embedded log has no connections' : null),
  exclusive: true,
  isFault: true,
  deadlineMs: () => 60_000,
  expectations: [
    expected(
      everySystem,
      'port',
      'PASS',
      'The port connects again and declares what was there; a publish under way is unknown.',
      'Sluice docs/ARCHITECTURE; DESIGN 8',
    ),
    expected(
      rabbitMq,
      'bare',
      'DIFFERS',
      'amqplib ends channels with their connection; recovery must be asked for, or the application connects again.',
      'amqplib README (opt-in recovery)',
    ),
    expected(
      ['kafka'],
      'bare',
      'PASS',
      'kafkajs connects again and retries, five times by default.',
      'kafkajs docs/retry-detailed',
    ),
  ],
  run,
};

async function run(context: ScenarioContext): Promise<Finding> {
  const { wire, stage, faults } = context;
  if (faults === null) throw new Error('connection-cut needs faults');
  const topic = await stage.topic('t');
  const subscription = await stage.subscription('s', topic);
  const ledger = new Ledger();
  const deliveredAt: number[] = [];
  let consumerEnded = false;
  await stage.consume(subscription, {
    credit: 200,
    settle: { kind: 'batch', ackBatch: 20 },
    onDelivery: ({ value }) => {
      const number = numberOf(value.toString());
      if (number !== null) ledger.see(number);
      deliveredAt.push(stage.nowMs);
    },
    onError: () => (consumerEnded = true),
  });
  const flow = await startFlow(stage, wire, topic, ledger, everyMs);
  await stage.until(() => deliveredAt.length > 0, 'the first delivery');
  await stage.pause(beforeMs);
  const cutAt = stage.nowMs;
  const connections = faults.cut();
  const isBack = () =>
    flow.answers.some(({ sentMs, isAcked }) => isAcked && sentMs > cutAt) &&
    deliveredAt.some((ms) => ms > cutAt + everyMs);
  await Promise.race([stage.until(isBack, 'both to go on'), stage.pause(recoveryMsMax)]);
  const cameBack = isBack();
  const backMs = Math.round(stage.nowMs - cutAt);
  await stage.pause(afterMs);
  await flow.stop();
  const endAt = stage.nowMs;
  await Promise.race([stage.until(() => flow.open() === 0, 'the answers'), stage.pause(recoveryMsMax)]);
  await Promise.race([stage.until(() => ledger.balance().lost === 0, 'the rest'), stage.pause(quietMs)]);
  // Nobody is left to deliver to; what is there is for a fresh client to say.
  if (!cameBack) {
    const { received } = await readBack(context, { topic, subscription, quietMs });
    for (const { text } of received) {
      const number = numberOf(text);
      if (number !== null) ledger.see(number);
    }
  }
  const balance = ledger.balance();
  const answeredAt = flow.answers.filter(({ isAcked }) => isAcked).map(({ answeredMs }) => answeredMs);
  return {
    verdict: cameBack && balance.lost === 0 ? 'PASS' : 'DIFFERS',
    summary: `${connections} connections reset: ${cameBack ? `both went on after ${backMs} ms` : `the client did not come back${consumerEnded ? ' (its consumer said that it ended)' : ''}`}; ${lossesInWords(balance)} of ${balance.acked}, ${balance.unknown} unknown (${balance.recovered} of them there), ${balance.refused} refused, ${balance.duplicates} twice`,
    observed: {
      connections,
      cameBack,
      backMs: cameBack ? backMs : 'never',
      publishGapMs: cameBack ? longestGap(answeredAt, cutAt, endAt) : 'never',
      deliveryGapMs: cameBack ? longestGap(deliveredAt, cutAt, endAt) : 'never',
      sent: balance.sent,
      acked: balance.acked,
      unknown: balance.unknown,
      unknownAndThere: balance.recovered,
      refused: balance.refused,
      lost: balance.lost,
      duplicates: balance.duplicates,
    },
    evidence: [],
  };
}
