/**
 * The node that leads a topic of three copies is killed (SIGKILL) in the middle of publishing: is anything lost that was acknowledged,
 * and how long does nobody answer? Three processes on one machine: it shows what the protocols promise, not what a network does.
 */

import { seededRandom } from '../workloads/index.ts';
import { boundOf } from './figures.ts';
import { longestGap, numberOf, readBack, startFlow } from './flow.ts';
import { Ledger, lossesInWords } from './ledger.ts';
import { type Cluster, expected, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';

const everyMs = 2;
const killAfterMsMin = 300;
const killAfterMsSpread = 700;
/** A cluster's own elections: RabbitMQ's take a moment, Kafka's wait for `broker.session.timeout.ms`, 9 s. */
const failoverMsMax = 40_000;
const afterFailoverMs = 500;
const settleMsMax = 8_000;
const quietMs = 500;
/** What is younger than this when the node dies is another question: broker-kill-new-queue. */
const ageMs = 5_000;
const clusterMsMax = 120_000;
const roundMsMax = 120_000;

export const nodeKillQuorum: Scenario = {
  id: 'node-kill-quorum',
  number: 'S28',
  title: 'Node of three killed',
  question:
    'With three nodes and a copy on each, is every acknowledged message there after the leading node was killed (SIGKILL), and how long is nothing acknowledged?',
  layers: ['port'],
  notFor: (system) =>
    system === 'log' || system === 'rabbitmq-classic'
      ? 'has one copy of everything'
      : system === 'rabbitmq-stream'
        ? 'not measured: the leader of a stream is another one than that of the cursors that the port keeps beside it'
        : null,
  exclusive: true,
  isFault: true,
  isOnlyInFull: true,
  isSlow: true,
  deadlineMs: (messages) => clusterMsMax + killsOf(messages) * roundMsMax,
  expectations: [
    expected(
      ['rabbitmq-quorum'],
      'any',
      'PASS',
      'A quorum queue confirms what a majority of its members wrote and synced, and elects its leader among those who have it.',
      'rabbitmq-website docs/quorum-queues (data safety); Raft',
    ),
    expected(
      ['kafka'],
      'any',
      'PASS',
      'acks=all waits for every replica in sync, min.insync.replicas=2 for at least two, and the new leader is one of them.',
      'kafka docs/design (replication), broker.session.timeout.ms',
    ),
    expected(
      ['log', 'rabbitmq-classic', 'rabbitmq-stream'],
      'any',
      'INCONCLUSIVE',
      'Not asked of one copy, or of this layer.',
      'README of this project: one process on one disk',
    ),
  ],
  run,
};

/** 1 in smoke and standard, 10 in full. */
function killsOf(messages: number): number {
  return messages < 10_000 ? 1 : 10;
}

async function run(context: ScenarioContext): Promise<Finding> {
  const { stage } = context;
  const cluster = await stage.within(context.cluster(), 'three nodes');
  try {
    return await onCluster(context, cluster);
  } finally {
    await cluster.close();
  }
}

async function onCluster({ stage, messages, seed }: ScenarioContext, cluster: Cluster): Promise<Finding> {
  const kills = killsOf(messages);
  const random = seededRandom(seed);
  const topic = 'node-kill';
  const subscription = 'node-kill-reader';
  const { wire } = cluster;
  await stage.within(wire.createTopic(topic, { partitions: 1, copies: cluster.nodes }), 'a topic on three nodes');
  await stage.within(
    wire.createSubscription({ name: subscription, topic, start: 'latest', ordering: 'none' }),
    'a subscription on three nodes',
  );
  await stage.pause(ageMs);
  const ledger = new Ledger();
  const silentMs: number[] = [];
  let roundsWithLoss = 0;
  for (let round = 0; round < kills; round++) {
    const flow = await startFlow(stage, wire, topic, ledger, everyMs);
    await stage.pause(killAfterMsMin + random() * killAfterMsSpread);
    const killedAtMs = stage.nowMs;
    const node = await stage.within(cluster.killLeader(topic, subscription), 'the leader to be killed');
    const goesOn = () => flow.answers.some(({ isAcked, sentMs }) => isAcked && sentMs > killedAtMs + everyMs);
    await Promise.race([stage.until(goesOn, 'the other nodes to go on'), stage.pause(failoverMsMax)]);
    await stage.pause(afterFailoverMs);
    await flow.stop();
    const acks = flow.answers.filter(({ isAcked }) => isAcked).map(({ answeredMs }) => answeredMs);
    silentMs.push(longestGap(acks, killedAtMs, stage.nowMs));
    await Promise.race([stage.until(() => flow.open() === 0, 'the answers'), stage.pause(settleMsMax)]);
    const before = ledger.balance().lost;
    // The killed node is still away: what is there is what the other two have.
    const { received } = await readBack({ stage, open: cluster.open }, { topic, subscription, quietMs });
    for (const { text } of received) {
      const number = numberOf(text);
      if (number !== null) ledger.see(number);
    }
    const { lost } = ledger.balance();
    if (lost > 0 && lost !== before) roundsWithLoss++;
    await stage.within(cluster.start(node), 'the node to start again');
  }
  const balance = ledger.balance();
  const { acked, unknown, refused, recovered, duplicates, seen, sent } = balance;
  const isSound = balance.lost === 0 && balance.refusedAndSeen === 0;
  return {
    verdict: acked === 0 ? 'INCONCLUSIVE' : isSound ? 'PASS' : 'DIFFERS',
    summary: `${kills} ${kills === 1 ? 'kill' : 'kills'}: ${lossesInWords(balance)} of ${acked}; nothing acknowledged for ${Math.max(...silentMs)} ms; loss in ${boundOf(roundsWithLoss, kills)}`,
    observed: {
      nodes: cluster.nodes,
      copies: wire.durability.copies,
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
      silentMs,
    },
    evidence: [`kills with loss: ${boundOf(roundsWithLoss, kills)}`, 'one machine: no network between the nodes'],
  };
}
