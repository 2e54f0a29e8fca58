/**
 * The claims that people repeat about Kafka and RabbitMQ, each decided from measured cells only. What was not measured is
 * said to be not tested, whatever the documents promise. The embedded log is no answer to "RabbitMQ or Kafka?" and is left
 * out. Pure.
 */

import type {
  CellSummary,
  ClaimVerdict,
  NoiseFloor,
  PrimaryReport,
  ScenarioRow,
  SystemRow,
  WorkloadRow,
} from '../report/model.ts';
import { holds, isMoreFlexible, notTested, scalesOut, suitsMessaging, survivesFaults } from './claims-of-scenarios.ts';
import {
  evidenceOf,
  handlesMillions,
  hasLowLatency,
  hasSteadyTails,
  isFaster,
  isMoreEfficient,
  isRabbitMq,
} from './claims-of-speed.ts';
import { rowsOfTheAnswer } from './answer-rows.ts';
import { leastNoiseFloor } from '../statistics/index.ts';
import { isBesideTheAnswer } from '../systems/system-ids.ts';

export interface VerdictInput {
  readonly systems: readonly SystemRow[];
  readonly scenarios: readonly ScenarioRow[];
  readonly cells: readonly CellSummary[];
  /** Such as `AMD EPYC, 2 cores, one host`. */
  readonly machine: string;
  /** Of the same system run twice; a difference within it is none. */
  readonly noise?: readonly NoiseFloor[];
  /** Where two systems were tested, the test decides between them. */
  readonly primary?: PrimaryReport | null;
  /** Rows with a search for a sustainable rate: latency at every load on the way. */
  readonly searches?: readonly WorkloadRow[];
}

const rabbitMqSystems = ['rabbitmq-quorum', 'rabbitmq-classic', 'rabbitmq-stream'] as const;

/** In the order of the page: speed, cost, scale, faults, meaning, use. */
export function decideClaims(all: VerdictInput): readonly ClaimVerdict[] {
  const input = {
    ...all,
    systems: all.systems.filter(({ id }) => !isBesideTheAnswer(id)),
    scenarios: rowsOfTheAnswer(all.scenarios),
    cells: rowsOfTheAnswer(all.cells),
  };
  const semantic = {
    scenarios: input.scenarios,
    scope: scopeOf(input),
    hasShareGroups: all.scenarios.some(({ system }) => system === 'kafka-share'),
  };
  const speed = {
    cells: input.cells,
    // By the vendors' own clients: told beside the answer, and a reason to put a condition on it.
    referenceCells: all.cells.filter(({ layer }) => layer === 'reference'),
    noise: input.noise ?? [],
    primary: input.primary ?? null,
    searches: input.searches ?? [],
    scope: scopeOf(input),
  };
  return [
    isFaster(speed),
    handlesMillions(speed),
    hasLowLatency(speed),
    isMoreEfficient(speed),
    scalesOut(semantic),
    survivesFaults(semantic),
    storesAndForgets(input),
    readsIndependently(input),
    startsEasily(input),
    suitsMessaging(semantic),
    isMoreFlexible(semantic),
    hasSteadyTails(speed),
    notTested(
      { id: 'kafka-fits-spark-flink-hadoop', claim: 'Kafka fits Spark, Flink and Hadoop' },
      'a question of connectors, which this comparison does not run',
    ),
  ];
}

// ------------------------------------------------------------------------------------------------ semantics

function storesAndForgets(input: VerdictInput): ClaimVerdict {
  const id = 'kafka-stores-rabbitmq-forgets';
  const claim = 'Kafka stores messages durably while RabbitMQ hands them over and forgets';
  const rows = scenarioRows(input, ['replay-after-ack', 'late-subscriber']);
  const kafka = rows.filter((row) => row.system === 'kafka');
  const queueRows = rows.filter((row) => row.system === 'rabbitmq-quorum' || row.system === 'rabbitmq-classic');
  const streamRows = rows.filter((row) => row.system === 'rabbitmq-stream');
  if (kafka.length === 0 || queueRows.length + streamRows.length === 0)
    return notTested({ id, claim }, 'the scenarios of replay and late subscribers did not run on both');
  const isOpen = rows.some((row) => row.verdict === 'INCONCLUSIVE');
  const kafkaKeeps = kafka.every(holds);
  const queuesForget = queueRows.length > 0 && queueRows.every((row) => !holds(row));
  const streamsKeep = streamRows.length > 0 && streamRows.every(holds);
  const verdict = isOpen ? 'inconclusive' : !kafkaKeeps || !queuesForget ? 'false' : streamsKeep ? 'true-if' : 'true';
  return {
    id,
    claim,
    verdict,
    basis: 'measured',
    reason: `Kafka ${kafkaKeeps ? 'kept' : 'did not keep'} what had been acked; RabbitMQ's queues ${queuesForget ? 'had forgotten it' : 'gave it again'}${streamRows.length === 0 ? '' : `, its streams ${streamsKeep ? 'kept it too' : 'did not keep it'}`}.`,
    scope: `${verdict === 'true-if' ? 'true of quorum and classic queues, false of streams; ' : ''}${scopeOf(input)}; what survives a crash is another question`,
    evidence: rows.map(scenarioEvidence),
  };
}

function readsIndependently(input: VerdictInput): ClaimVerdict {
  const id = 'many-independent-readers';
  const claim = 'With Kafka many consumers read the same messages independently';
  const rows = scenarioRows(input, ['fan-out', 'away-subscriber', 'fan-out-disk']);
  const kafka = rows.filter((row) => row.system === 'kafka');
  if (kafka.length === 0) return notTested({ id, claim }, 'the fan-out scenarios did not run on Kafka');
  const verdict = kafka.some((row) => row.verdict === 'INCONCLUSIVE')
    ? 'inconclusive'
    : kafka.every(holds)
      ? 'true'
      : 'false';
  const alsoIndependent = rabbitMqSystems.filter((system) => {
    const own = rows.filter((row) => row.system === system && row.id !== 'fan-out-disk');
    return own.length > 0 && own.every(holds);
  });
  const disk = rows.filter((row) => row.id === 'fan-out-disk').map((row) => `${row.system}: ${row.summary}`);
  return {
    id,
    claim,
    verdict,
    basis: 'measured',
    reason:
      `${alsoIndependent.length === 0 ? 'No RabbitMQ system was seen to do it.' : `So does RabbitMQ (${alsoIndependent.join(', ')}); the difference is what is stored.`} ${disk.join('; ')}`.trim(),
    scope: scopeOf(input),
    evidence: rows.map(scenarioEvidence),
  };
}

function startsEasily(input: VerdictInput): ClaimVerdict {
  const id = 'rabbitmq-easier-to-start';
  const claim = 'RabbitMQ is easier to start with';
  const kafka = input.systems.find((system) => system.id === 'kafka');
  const rabbitMq = input.systems.find((system) => isRabbitMq(system.id));
  if (kafka?.startMs === null || rabbitMq?.startMs === null || kafka === undefined || rabbitMq === undefined)
    return notTested({ id, claim }, 'both brokers must be started by the run');
  const kafkaRss = peakRss(input.cells, (system) => system === 'kafka');
  const rabbitMqRss = peakRss(input.cells, isRabbitMq);
  const memory =
    kafkaRss === null || rabbitMqRss === null
      ? ''
      : `; memory of the broker under load at most ${mebibytes(rabbitMqRss)} against ${mebibytes(kafkaRss)}`;
  const isSmaller = kafkaRss !== null && rabbitMqRss !== null && rabbitMqRss < kafkaRss * (1 - leastNoiseFloor);
  const evidence = [
    ...ofBrokersAlone(input.cells, (system) => system === 'kafka' || isRabbitMq(system)).map(evidenceOf),
    ...scenarioRows(input, ['idle-cost']).map(scenarioEvidence),
  ].slice(0, 8);
  if (evidence.length === 0) return notTested({ id, claim }, 'no workload and not the scenario idle-cost ran on both');
  return {
    id,
    claim,
    verdict: isSmaller ? 'true-if' : 'inconclusive',
    basis: 'measured',
    reason: `RabbitMQ accepted connections after ${rabbitMq.startMs} ms, Kafka after ${kafka.startMs} ms, one start each${memory}.`,
    scope: `only start-up time and memory are measured, not how easily it is learnt${isSmaller ? '; true of memory alone' : ''}; one start of each decides nothing; what Kafka holds is mostly what its heap may take; ${scopeOf(input)}`,
    evidence,
  };
}

/** Of the layers whose cost is the broker's alone: a gateway counts as a part of what stands behind it. */
function ofBrokersAlone(cells: readonly CellSummary[], wanted: (system: string) => boolean): readonly CellSummary[] {
  return cells.filter(({ system, layer }) => wanted(system) && (layer === 'bare' || layer === 'port'));
}

function peakRss(cells: readonly CellSummary[], wanted: (system: string) => boolean): number | null {
  const peaks = ofBrokersAlone(cells, wanted).flatMap((cell) => cell.figures['cost.peakRssBytes']?.high ?? []);
  return peaks.length === 0 ? null : Math.max(...peaks);
}

// ------------------------------------------------------------------------------------------------ words

function scenarioRows(input: VerdictInput, ids: readonly string[]): readonly ScenarioRow[] {
  return input.scenarios.filter((row) => ids.includes(row.id) && (row.system === 'kafka' || isRabbitMq(row.system)));
}

function scopeOf(input: VerdictInput): string {
  const versions = new Map(
    input.systems
      .filter((system) => system.id !== 'log')
      .map((system) => [`${system.product} ${system.version}`, system.nodes]),
  );
  return `${[...versions].map(([name, nodes]) => `${name} (${nodes} ${nodes === 1 ? 'node' : 'nodes'})`).join(', ')}, ${input.machine}`;
}

function scenarioEvidence(row: ScenarioRow): string {
  return `${row.id}.${row.system}.${row.layer}`;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MiB`;
}
