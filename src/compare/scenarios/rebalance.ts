/** Consumers come, go and die while messages flow: for how long does nothing come? */

import { longestGap, numberOf, startFlow } from './flow.ts';
import { Ledger, lossesInWords } from './ledger.ts';
import { everySystem, expected, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';

const everyMs = 10;
const partitions = 4;
const phaseMs = 2_500;
/** A pause that users of a service notice. */
const gapMsMax = 2_000;
const afterKillMsMax = 70_000;
const quietMs = 3_000;
const rabbitMq = ['rabbitmq-quorum', 'rabbitmq-classic', 'rabbitmq-stream'] as const;

export const rebalance: Scenario = {
  id: 'rebalance',
  number: 'S18',
  title: 'Consumers come, go and die',
  question: 'Does delivery go on within two seconds while a consumer joins, leaves, and another is killed?',
  layers: ['port', 'bare'],
  notFor: (system) => (system === 'log' ? 'a consumer of the embedded log dies with the log' : null),
  exclusive: true,
  isSlow: true,
  deadlineMs: () => 150_000,
  expectations: [
    expected(
      ['rabbitmq-quorum', 'rabbitmq-classic'],
      'any',
      'PASS',
      'A queue hands to whoever is there; a closed connection gives back at once. A machine that dies closes none: then a heartbeat has to be missed, which was not tested.',
      'rabbitmq-website docs/consumers, docs/confirms',
    ),
    expected(
      ['rabbitmq-stream'],
      'bare',
      'PASS',
      'Readers do not know of each other.',
      'rabbitmq-website docs/streams',
    ),
    expected(
      rabbitMq,
      'port',
      'PASS',
      'Another process takes a partition over when the connection of the dead one is gone.',
      'Sluice capability consume.competing',
    ),
    expected(
      everySystem,
      'any',
      'DIFFERS',
      "A dead member is noticed when its session is over (30 s here, kafkajs's default; 45 s in Kafka's own client): until then its partitions stand still. kafkajs has the classic protocol with eager assignment, where those of the others may too; the newer group protocol (KIP-848) was not tried.",
      'kafka consumer config session.timeout.ms; kafkajs issues on rebalancing (922, 1156)',
    ),
  ],
  run,
};

async function run(context: ScenarioContext): Promise<Finding> {
  const { wire, stage, openProcess } = context;
  const topic = await stage.topic('t', partitions);
  const subscription = await stage.subscription('s', topic);
  const other = await stage.within(openProcess(), 'the process of a consumer');
  await stage.adopt(other, subscription);
  const ledger = new Ledger();
  const at: number[] = [];
  const take = {
    credit: 20,
    settle: { kind: 'each' },
    onDelivery: (delivery: { readonly value: Buffer; readonly ack: () => void }) => {
      const number = numberOf(delivery.value.toString());
      if (number !== null) ledger.see(number);
      at.push(stage.nowMs);
      delivery.ack();
    },
    onError: () => {},
  } as const;
  await stage.consume(subscription, take);
  const flow = await startFlow(stage, wire, topic, ledger, everyMs);
  await stage.until(() => at.length > 0, 'the first delivery');
  await stage.pause(phaseMs / 2);
  const joinAt = stage.nowMs;
  const second = await stage.consume(subscription, take);
  await stage.pause(phaseMs);
  const leaveAt = stage.nowMs;
  await stage.within(second.close(), 'a consumer to leave');
  await stage.pause(phaseMs);
  await stage.within(other.consume(subscription, take), 'a consumer in another process');
  await stage.pause(phaseMs);
  const killAt = stage.nowMs;
  await other.kill();
  await stage.pause(phaseMs);
  await flow.stop();
  const endAt = stage.nowMs;
  // What the dead one held, or its partitions: until all of it has come, or nothing more does.
  const isWhole = () => flow.open() === 0 && ledger.balance().lost === 0;
  const waitMs = wire.system === 'kafka' ? afterKillMsMax : quietMs * 3;
  await Promise.race([stage.until(isWhole, 'the rest'), stage.pause(waitMs)]);
  const balance = ledger.balance();
  const wholeMs = Math.round(Math.max(0, (at.at(-1) ?? endAt) - endAt));
  const gaps = {
    join: longestGap(at, joinAt, leaveAt),
    leave: longestGap(at, leaveAt, killAt),
    kill: Math.max(longestGap(at, killAt, endAt), wholeMs),
  };
  const holds = Math.max(gaps.join, gaps.leave, gaps.kill) <= gapMsMax && balance.lost === 0;
  return {
    verdict: holds ? 'PASS' : 'DIFFERS',
    summary: `nothing came for ${gaps.join} ms at the join, ${gaps.leave} ms at the leave, and after the kill the last came ${gaps.kill} ms late; ${lossesInWords(balance)} of ${balance.acked}, ${balance.duplicates} twice`,
    observed: {
      partitions,
      joinGapMs: gaps.join,
      leaveGapMs: gaps.leave,
      afterKillMs: gaps.kill,
      acked: balance.acked,
      lost: balance.lost,
      duplicates: balance.duplicates,
    },
    evidence: [],
  };
}
