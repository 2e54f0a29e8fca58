/**
 * Claims that scenarios decide: what Kafka and RabbitMQ do, not how fast. Each names the scenarios it rests on; without rows of
 * both it is not tested. What only a cluster could show is said in the scope. Pure.
 */

import type { ClaimVerdict, ScenarioRow } from '../report/model.ts';

export interface ScenarioEvidence {
  /** Of the systems of the answer. */
  readonly scenarios: readonly ScenarioRow[];
  /** Kafka's share groups were asked, too, which are no part of the answer. */
  readonly hasShareGroups: boolean;
  /** Which products, versions and machine: the end of every scope. */
  readonly scope: string;
}

interface Claim {
  readonly id: string;
  readonly claim: string;
}

/** Consumers and partitions; a growing cluster on one machine shows nothing. */
export function scalesOut(input: ScenarioEvidence): ClaimVerdict {
  const claim = { id: 'kafka-scales-out', claim: 'Kafka scales out easily' };
  const ids = ['consumers-beyond-partitions', 'hot-key', 'rebalance'];
  const rows = rowsOf(input, ids, 'bare');
  const kafka = rows.filter((row) => row.system === 'kafka');
  if (kafka.length === 0)
    return notTested(
      claim,
      'the scenarios of consumers beyond partitions, hot keys and rebalancing did not run on Kafka',
    );
  const limited = kafka.filter((row) => !holds(row));
  return {
    ...claim,
    verdict: isOpen(kafka) ? 'inconclusive' : limited.length === 0 ? 'true' : 'true-if',
    basis: 'measured',
    reason: `${told(rows)}.`,
    scope: `${limited.length === 0 ? '' : 'true up to as many consumers as partitions (more can be added later, but then keys move to other partitions), with even keys, and but for the session timeout after a consumer died; '}more nodes were not measured: on one host they share its cores; ${input.scope}`,
    evidence: evidenceOf(rows),
  };
}

export function survivesFaults(input: ScenarioEvidence): ClaimVerdict {
  const claim = { id: 'kafka-survives-faults', claim: 'Kafka survives faults without loss' };
  const ids = ['broker-kill', 'broker-kill-new-queue', 'broker-pause', 'connection-cut', 'consumer-kill'];
  // Clusters are driven through the port: what takes over there is the broker's.
  const clusters = rowsOf(input, ['node-kill-quorum'], 'port');
  const rows = [...rowsOf(input, ids, 'bare'), ...clusters];
  // What a power cut takes from one node is no fault of a process: it stands in the scope.
  const power = rowsOf(input, ['power-loss', 'power-loss-synced'], 'bare').filter(({ system }) => system === 'kafka');
  const kafka = rows.filter((row) => row.system === 'kafka' && row.id !== 'consumer-kill');
  if (kafka.length === 0) return notTested(claim, 'nothing was killed, paused or cut off in this run');
  const lossy = rows.filter((row) => Number(row.observed['lost'] ?? 0) > 0);
  const kafkaLost = lossy.some((row) => row.system === 'kafka');
  const others = [...new Set(lossy.filter((row) => row.system !== 'kafka').map((row) => row.system))];
  const kills = Math.max(0, ...kafka.map((row) => Number(row.observed['kills'] ?? 0)));
  return {
    ...claim,
    verdict: kafkaLost ? 'false' : isOpen(kafka) ? 'inconclusive' : 'true-if',
    basis: 'measured',
    reason: `${kafkaLost ? 'Kafka lost acknowledged messages' : `Kafka lost no acknowledged message in ${kafka.length} kinds of faults`}; ${others.length === 0 ? 'nor did RabbitMQ' : `RabbitMQ did (${others.join(', ')})`}. ${told(lossy.length > 0 ? lossy : kafka)}.`,
    scope: `true of a process that is killed ${kills} ${kills === 1 ? 'time' : 'times'} and of a lost connection, ${clusters.length === 0 ? 'with one node; that a replica takes over was not tested' : 'with one node, and of one of three on the same machine'}; ${powerCutInWords(power)}; ${input.scope}`,
    evidence: evidenceOf([...rows, ...power]),
  };
}

function powerCutInWords(rows: readonly ScenarioRow[]): string {
  const of = (id: string) => rows.find((row) => row.id === id && row.observed['acked'] !== undefined)?.observed;
  const [usual, synced] = [of('power-loss'), of('power-loss-synced')];
  if (usual === undefined) return 'a power cut was not tested in this run';
  const took = (observed: ScenarioRow['observed']) =>
    `took ${String(observed['lost'])} of ${String(observed['acked'])}`;
  return [
    `a power cut, simulated on one node, ${took(usual)} acknowledged messages of Kafka at its defaults`,
    ...(synced === undefined ? [] : [`with flush.messages=1 it ${took(synced)}`]),
    'Kafka advises copies on other machines against it, which were not tested',
  ].join('; ');
}

/** What people mean by messaging: ask and be answered, route, retry one message, put it aside, hurry, expire, wait. */
export function suitsMessaging(input: ScenarioEvidence): ClaimVerdict {
  const claim = { id: 'rabbitmq-suits-messaging', claim: 'RabbitMQ suits traditional messaging better than Kafka' };
  const ids = [
    'request-reply',
    'routing',
    'slow-message',
    'slow-consumer',
    'dead-letter',
    'priority',
    'delayed-message',
    'consumers-beyond-partitions',
  ];
  const rows = rowsOf(input, ids, 'bare').filter((row) => row.system !== 'rabbitmq-stream');
  const kafka = rows.filter((row) => row.system === 'kafka');
  const rabbitMq = rows.filter((row) => row.system !== 'kafka');
  if (kafka.length === 0 || rabbitMq.length === 0)
    return notTested(claim, 'the scenarios of routing, replies and single messages did not run on both');
  const of = (own: readonly ScenarioRow[]) => ids.filter((id) => own.some((row) => row.id === id && holds(row)));
  const [kafkaHolds, rabbitMqHolds] = [of(kafka), of(rabbitMq)];
  const only = rabbitMqHolds.filter((id) => !kafkaHolds.includes(id));
  return {
    ...claim,
    verdict: isOpen(rows)
      ? 'inconclusive'
      : only.length > 0 && kafkaHolds.every((id) => rabbitMqHolds.includes(id))
        ? 'true'
        : 'false',
    basis: 'measured',
    reason: `Of ${new Set(rows.map(({ id }) => id)).size} properties RabbitMQ's queues have ${rabbitMqHolds.length} and Kafka's consumer groups ${kafkaHolds.length}; only RabbitMQ: ${only.join(', ') || 'none'}.`,
    scope: `with the usual JavaScript client of each; Kafka's share groups ${input.hasShareGroups ? 'were asked by Java, stand in the rows kafka-share, and count in no verdict' : 'were not asked'}; ${input.scope}`,
    evidence: evidenceOf(rows),
  };
}

/** Counted over what was asked with the bare clients and is the broker's, the best of RabbitMQ's three types for each question. */
export function isMoreFlexible(input: ScenarioEvidence): ClaimVerdict {
  const claim = { id: 'kafka-more-flexible', claim: 'Kafka is more flexible' };
  const rows = input.scenarios.filter((row) => row.layer === 'bare' && isBroker(row) && !ofClients.includes(row.id));
  const ids = [...new Set(rows.map(({ id }) => id))].filter(
    (id) =>
      rows.some((row) => row.id === id && row.system === 'kafka') &&
      rows.some((row) => row.id === id && row.system.startsWith('rabbitmq-')),
  );
  if (ids.length < questionsMin) return notTested(claim, `fewer than ${questionsMin} scenarios ran on both`);
  const has = (id: string, of: (system: string) => boolean) =>
    rows.some((row) => row.id === id && of(row.system) && holds(row));
  const isKafka = (system: string) => system === 'kafka';
  const isRabbitMq = (system: string) => system.startsWith('rabbitmq-');
  const onlyKafka = ids.filter((id) => has(id, isKafka) && !has(id, isRabbitMq));
  const onlyRabbitMq = ids.filter((id) => !has(id, isKafka) && has(id, isRabbitMq));
  return {
    ...claim,
    verdict:
      Math.abs(onlyKafka.length - onlyRabbitMq.length) <= countNoise
        ? 'inconclusive'
        : onlyKafka.length > onlyRabbitMq.length
          ? 'true-if'
          : 'false',
    basis: 'measured',
    reason: `Of ${ids.length} properties only Kafka had ${onlyKafka.length} (${onlyKafka.join(', ') || 'none'}) and only RabbitMQ, with the type of queue that does it, ${onlyRabbitMq.length} (${onlyRabbitMq.join(', ') || 'none'}).`,
    scope: `a count of questions, not of their weight, in which a difference of ${countNoise} decides nothing; left out is what a client library decides (${ofClients.join(', ')}); RabbitMQ was asked over AMQP 0.9.1, its stream protocol and AMQP 1.0 have more; no single type of RabbitMQ's queues has all of its properties; ${input.scope}`,
    evidence: evidenceOf(rows.filter(({ id }) => onlyKafka.includes(id) || onlyRabbitMq.includes(id))),
  };
}

/** Whether a client connects again, how it tells answers, and what it makes of a channel that was closed for a message too large. */
const ofClients: readonly string[] = ['connection-cut', 'confirm-order', 'large-message'];
/** Which questions are asked is a choice: one more or less would turn a count that is closer. */
const countNoise = 2;
/** Fewer are a sample that somebody chose: the smallest profile asks mostly about replay. */
const questionsMin = 25;

// ------------------------------------------------------------------------------------------------ words

export function notTested({ id, claim }: Claim, why: string): ClaimVerdict {
  return {
    id,
    claim,
    verdict: 'not-tested',
    basis: 'not-tested',
    reason: `Not tested: ${why}.`,
    scope: 'none',
    evidence: [],
  };
}

function rowsOf({ scenarios }: ScenarioEvidence, ids: readonly string[], layer: string): readonly ScenarioRow[] {
  return scenarios.filter((row) => ids.includes(row.id) && row.layer === layer && isBroker(row));
}

/** Of the usual versions: a claim is about the product as it is sold today. */
function isBroker({ system }: ScenarioRow): boolean {
  return system !== 'log' && !system.includes('@');
}

/** By the broker, or by work of an adapter. */
export function holds({ verdict }: ScenarioRow): boolean {
  return verdict === 'PASS' || verdict === 'EMULATED';
}

function isOpen(rows: readonly ScenarioRow[]): boolean {
  return rows.some((row) => row.verdict === 'INCONCLUSIVE');
}

function told(rows: readonly ScenarioRow[]): string {
  return rows.map((row) => `${row.system}, ${row.title.toLowerCase()}: ${row.summary}`).join('. ');
}

function evidenceOf(rows: readonly ScenarioRow[]): readonly string[] {
  return rows.map((row) => `${row.id}.${row.system}.${row.layer}`);
}
