/** RabbitMQ's disk alarm stops publishers: are they told, does delivery go on, and is anything lost? */

import { numberOf, startFlow } from './flow.ts';
import { Ledger, lossesInWords } from './ledger.ts';
import { expected, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';
import { Undecided } from './stage.ts';

const everyMs = 10;
const waiting = 100;
const alarmMs = 3_000;
const settleMsMax = 10_000;
const rabbitMq = ['rabbitmq-quorum', 'rabbitmq-classic', 'rabbitmq-stream'] as const;

export const diskAlarm: Scenario = {
  id: 'disk-alarm',
  number: 'S40',
  title: 'Disk alarm',
  question:
    'While the broker takes no more (disk alarm), is a publisher told so, do consumers go on, and is nothing lost?',
  layers: ['port', 'bare'],
  notFor: (system) =>
    system === 'kafka' || system === 'log'
      ? 'has no alarm: a full disk is another fault, which this run does not make'
      : null,
  exclusive: true,
  isFault: true,
  deadlineMs: () => 90_000,
  expectations: [
    expected(
      ['rabbitmq-stream'],
      'port',
      'DIFFERS',
      'Publishers are told. But a subscription keeps its cursor in a stream too, and to open a consumer is to write there: none can be opened meanwhile.',
      'rabbitmq-website docs/alarms; Sluice adapter (cursor kept in a stream)',
    ),
    expected(
      rabbitMq,
      'port',
      'PASS',
      'The port hears connection.blocked and refuses publishes until it is over.',
      'DESIGN 8; Sluice code backend_unavailable',
    ),
    expected(
      rabbitMq,
      'bare',
      'DIFFERS',
      'The broker tells the connection (connection.blocked, an event of amqplib) and reads no more from it; what is published all the same is not refused, but waits in the memory of the client, unanswered, until the alarm is over.',
      'rabbitmq-website docs/alarms, docs/connection-blocked',
    ),
  ],
  run,
};

async function run(context: ScenarioContext): Promise<Finding> {
  const { wire, stage, faults } = context;
  if (faults === null) throw new Error('disk-alarm needs faults');
  const topic = await stage.topic('t');
  const subscription = await stage.subscription('s', topic);
  const ledger = new Ledger();
  const flow = await startFlow(stage, wire, topic, ledger, everyMs);
  await stage.until(() => flow.answers.filter(({ isAcked }) => isAcked).length >= waiting, 'a backlog');
  await stage.within(faults.diskAlarm(true), 'the alarm to be raised');
  let refusedMeanwhile = 0;
  let openMeanwhile = 0;
  let deliveredMeanwhile = 0;
  let raisedAt = stage.nowMs;
  let refusal: string | null = null;
  try {
    // The broker stops a connection at the next publish that it sees.
    await stage.pause(alarmMs / 3);
    raisedAt = stage.nowMs;
    refusal = await opened(stage, subscription, ledger);
    await stage.pause(alarmMs);
    const meanwhile = flow.answers.filter(({ sentMs }) => sentMs >= raisedAt);
    refusedMeanwhile = meanwhile.filter(({ isAcked }) => !isAcked).length;
    openMeanwhile = flow.open();
    deliveredMeanwhile = ledger.seen;
  } finally {
    await faults.diskAlarm(false);
  }
  if (refusal !== null) await opened(stage, subscription, ledger);
  await stage.pause(everyMs * 10);
  await flow.stop();
  await Promise.race([stage.until(() => flow.open() === 0, 'the answers'), stage.pause(settleMsMax)]);
  await Promise.race([stage.until(() => ledger.balance().lost === 0, 'the rest'), stage.pause(settleMsMax)]);
  const balance = ledger.balance();
  const isTold = refusedMeanwhile > 0 && openMeanwhile < refusedMeanwhile;
  const goesOn = deliveredMeanwhile >= waiting;
  return {
    verdict: isTold && goesOn && balance.lost === 0 ? 'PASS' : 'DIFFERS',
    summary: `during ${alarmMs} ms of alarm ${refusedMeanwhile} publishes were refused and ${openMeanwhile} left without an answer; ${refusal === null ? `${deliveredMeanwhile} waiting messages were delivered` : 'no consumer could be opened'}; ${lossesInWords(balance)} of ${balance.acked}`,
    observed: {
      alarmMs,
      refusedMeanwhile,
      unansweredMeanwhile: openMeanwhile,
      deliveredMeanwhile,
      acked: balance.acked,
      unknown: balance.unknown,
      lost: balance.lost,
      duplicates: balance.duplicates,
    },
    evidence: [
      ...(refusal === null ? [] : [`opening a consumer: ${refusal}`]),
      'the alarm is raised by a limit above what the disk has, and ended by the usual one',
    ],
  };
}

/** Opens a consumer; null, or why it could not be. */
async function opened(stage: ScenarioContext['stage'], subscription: string, ledger: Ledger): Promise<string | null> {
  try {
    await stage.consume(subscription, {
      credit: 200,
      settle: { kind: 'batch', ackBatch: 20 },
      onDelivery: ({ value }) => {
        const number = numberOf(value.toString());
        if (number !== null) ledger.see(number);
      },
    });
    return null;
  } catch (reason) {
    if (reason instanceof Undecided) throw reason;
    return reason instanceof Error ? reason.message : String(reason);
  }
}
