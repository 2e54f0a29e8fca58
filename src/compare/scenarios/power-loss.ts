/**
 * The power goes while messages are published, as one process can be made to see it: its calls on files are recorded, it is
 * killed, every file loses what no sync had put on the disk, and it is started again (src/faults/power-cut.ts).
 */

import { join } from 'node:path';
import { CannotRecord, type Cut, recordFiles } from '../../faults/index.ts';
import { boundOf } from './figures.ts';
import { numberOf, readBack, startFlow } from './flow.ts';
import { Ledger, lossesInWords } from './ledger.ts';
import {
  type Expectation,
  expected,
  type Finding,
  type OwnSystem,
  type Scenario,
  type ScenarioContext,
} from './scenario.ts';
import { Undecided } from './stage.ts';
import type { SystemId } from '../systems/system-ids.ts';

const everyMs = 2;
const flowMs = 2_000;
/** Before the recording: they count as on the disk. */
const before = 50;
/** What of a broker is younger than this when the power goes is another question: broker-kill-new-queue. */
const ageMs = 5_000;
const settleMsMax = 2_000;
const quietMs = 500;
const roundMsMax = 90_000;
const simulated =
  'simulated on one node, one of the outcomes that a file system may leave: names, overwrites in place and what was there before stay, appended bytes that no sync had put on the disk are gone';
const replication = 'Kafka advises copies on other machines against it, which lose power at another time';

const confirms = 'RabbitMQ blog 2025-01-17 on how messages are stored';
const classicAndStream = [
  expected(
    ['rabbitmq-classic'],
    'any',
    'PASS',
    'The first store, the default before 4.0, syncs its journal before it confirms, for several messages at once.',
    'rabbitmq-website docs/confirms (persistent messages); rabbitmq-server src/rabbit_queue_index.erl',
    '<4.0',
  ),
  expected(
    ['rabbitmq-classic', 'rabbitmq-stream'],
    'any',
    'DIFFERS',
    'Confirmed once written, never synced before: the page cache goes with the power.',
    confirms,
  ),
];
const expectations: readonly Expectation[] = [
  expected(
    ['log'],
    'any',
    'PASS',
    'Its default answers after an fdatasync; with the durability os it answers before.',
    'Sluice capability durability.fsync',
  ),
  expected(
    ['rabbitmq-quorum'],
    'any',
    'PASS',
    'A quorum queue confirms after its write-ahead log is synced.',
    `rabbitmq-website docs/quorum-queues; ${confirms}`,
  ),
  ...classicAndStream,
  expected(
    ['kafka'],
    'any',
    'DIFFERS',
    `By default an acknowledged message is in the page cache; ${replication}.`,
    'kafka docs/design (replication), topic config flush.messages',
  ),
];

export const powerLoss: Scenario = {
  id: 'power-loss',
  number: 'S29',
  title: 'Power cut (simulated)',
  question:
    'At the default settings of one node, is every acknowledged message there after a power cut that takes everything that was not synced?',
  layers: ['bare'],
  notFor: () => null,
  exclusive: true,
  isFault: true,
  isOnlyInFull: true,
  deadlineMs: (messages) => roundsOf(messages) * roundMsMax,
  expectations,
  run: (context) => cutThePower(context, { isSynced: false }),
};

/** Kafka's is the only one that is not the default and can be had. */
export const powerLossSynced: Scenario = {
  id: 'power-loss-synced',
  number: 'S29',
  title: 'Power cut, synced before each answer (simulated)',
  question:
    'Where a sync before the answer is not the default but can be asked for, is every acknowledged message there after such a power cut?',
  layers: ['bare'],
  notFor: (system) => {
    if (system === 'log' || system === 'rabbitmq-quorum') return 'its default: the scenario power-loss asks it';
    return system === 'kafka' ? null : 'a sync before the answer cannot be asked for';
  },
  exclusive: true,
  isFault: true,
  isOnlyInFull: true,
  deadlineMs: (messages) => roundsOf(messages) * roundMsMax,
  expectations: [
    expected(
      ['kafka'],
      'any',
      'PASS',
      `With flush.messages=1 each batch is synced before it is acknowledged; Kafka's documentation advises against it and for copies instead.`,
      'kafka topic config flush.messages; kafka docs/design',
    ),
  ],
  run: (context) => cutThePower(context, { isSynced: true }),
};

/** 1, and 5 in full. */
function roundsOf(messages: number): number {
  return messages < 10_000 ? 1 : 5;
}

interface Round {
  readonly topic: string;
  readonly subscription: string;
  readonly ledger: Ledger;
  readonly mode: string | undefined;
}

interface Tally {
  sent: number;
  acked: number;
  unknown: number;
  recovered: number;
  lost: number;
  prefix: number;
  middle: number;
  suffix: number;
  duplicates: number;
  phantom: number;
  roundsWithLoss: number;
}

async function cutThePower(context: ScenarioContext, { isSynced }: { readonly isSynced: boolean }): Promise<Finding> {
  const { stage, wire: usual } = context;
  const rounds = roundsOf(context.messages);
  const system = await stage.within(context.own(), 'a system of its own');
  try {
    const name = (round: number, mode: string) => `power-${round}-${mode.replace(/\W/g, '')}`;
    // The log's second promise costs no second system.
    const modes: readonly (string | undefined)[] = usual.system === 'log' ? [undefined, 'os'] : [undefined];
    const client = await stage.within(system.open(), 'a client');
    const places: Round[][] = [];
    for (let round = 0; round < rounds; round++) {
      const own: Round[] = [];
      for (const mode of modes) {
        const topic = name(round, mode ?? 'default');
        await client.createTopic(topic, { partitions: 1, ...(isSynced ? { isSynced } : {}) });
        await client.createSubscription({ name: `${topic}-s`, topic, start: 'earliest', ordering: 'none' });
        own.push({ topic, subscription: `${topic}-s`, ledger: new Ledger(), mode });
      }
      places.push(own);
    }
    if (usual.system !== 'log') await stage.pause(ageMs);
    const tallies = modes.map(newTally);
    const cuts: Cut[] = [];
    let failure: string | null = null;
    for (const [round, own] of places.entries()) {
      const result = await oneRound(context, system, own, round);
      cuts.push(result.cut);
      failure = result.failure;
      for (const [index, place] of own.entries())
        add(tallies[index] as Tally, place.ledger, result.phantoms[index] ?? 0);
      if (failure !== null) break;
    }
    return finding(usual.system, modes, tallies, cuts, failure);
  } finally {
    await system.close();
  }
}

async function oneRound(
  { stage }: ScenarioContext,
  system: OwnSystem,
  places: readonly Round[],
  round: number,
): Promise<{ readonly cut: Cut; readonly failure: string | null; readonly phantoms: readonly number[] }> {
  const wire = await stage.within(system.open(), 'a client');
  for (const { topic, ledger, mode } of places) {
    const flow = await startFlow(stage, wire, topic, ledger, everyMs, undefined, mode);
    await stage.until(() => flow.answers.length >= before, 'the first answers');
    await flow.stop();
    await stage.until(() => flow.open() === 0, 'the first answers');
    await stage.within(flow.publisher.close(), 'a publisher to close');
  }
  const pid = system.pid();
  if (pid === null) throw new Undecided('its process does not run');
  system.pause();
  const recorder = await recordFiles({
    pid,
    directory: system.dataDir,
    traceFile: join(system.scratch, `trace-${round}`),
  }).catch((reason: unknown) => {
    system.resume();
    throw reason instanceof CannotRecord ? new Undecided(`not measured: ${reason.message}`) : reason;
  });
  system.resume();
  const flows = await Promise.all(
    places.map(({ topic, ledger, mode }) => startFlow(stage, wire, topic, ledger, everyMs, undefined, mode)),
  );
  await stage.pause(flowMs);
  await system.kill();
  await Promise.all(flows.map((flow) => flow.stop()));
  const cut = await stage.within(recorder.cut(), 'the files to be cut');
  await Promise.race([
    stage.until(() => flows.every((flow) => flow.open() === 0), 'the answers'),
    stage.pause(settleMsMax),
  ]);
  try {
    await stage.within(system.start(), 'the system to start again');
  } catch (reason) {
    return { cut, failure: reason instanceof Error ? reason.message : String(reason), phantoms: [] };
  }
  const phantoms: number[] = [];
  for (const { topic, subscription, ledger } of places) {
    // A fresh client, which has to know the subscription.
    const open = async () => {
      const fresh = await system.open();
      await fresh.createSubscription({ name: subscription, topic, start: 'earliest', ordering: 'none' });
      return fresh;
    };
    const { received } = await readBack({ stage, open }, { topic, subscription, quietMs });
    let phantom = 0;
    for (const { text } of received) {
      const number = numberOf(text);
      if (number === null || number >= ledger.sent) phantom++;
      else ledger.see(number);
    }
    phantoms.push(phantom);
  }
  return { cut, failure: null, phantoms };
}

function newTally(): Tally {
  return {
    sent: 0,
    acked: 0,
    unknown: 0,
    recovered: 0,
    lost: 0,
    prefix: 0,
    middle: 0,
    suffix: 0,
    duplicates: 0,
    phantom: 0,
    roundsWithLoss: 0,
  };
}

function add(tally: Tally, ledger: Ledger, phantom: number): void {
  const { losses, refusedAndSeen, ...balance } = ledger.balance();
  for (const key of ['sent', 'acked', 'unknown', 'recovered', 'lost', 'duplicates'] as const)
    tally[key] += balance[key];
  for (const key of ['prefix', 'middle', 'suffix'] as const) tally[key] += losses[key];
  tally.phantom += phantom + refusedAndSeen;
  if (balance.lost > 0) tally.roundsWithLoss++;
}

function finding(
  system: SystemId,
  modes: readonly (string | undefined)[],
  tallies: readonly Tally[],
  cuts: readonly Cut[],
  failure: string | null,
): Finding {
  const [tally, other] = tallies as [Tally, Tally?];
  const sum = (of: (cut: Cut) => number) => cuts.reduce((total, cut) => total + of(cut), 0);
  const bytesLost = sum((cut) => cut.bytesLost);
  const notUnderstood = cuts.flatMap((cut) => cut.notUnderstood);
  // A cut after which some file was left as it was has decided something only where it took something all the same.
  const undecided = Math.min(
    cuts.filter((cut) => cut.notUnderstood.length > 0).length,
    cuts.length - tally.roundsWithLoss,
  );
  const lossyCuts = boundOf(tally.roundsWithLoss, cuts.length - undecided);
  const isSound = failure === null && tally.lost === 0 && tally.phantom === 0;
  const inWords = ({ acked, lost, prefix, middle, suffix }: Tally) =>
    `${lossesInWords({ lost, losses: { prefix, middle, suffix } })} of ${acked}`;
  return {
    // A loss that was seen is one, whatever else was not understood.
    verdict: tally.acked === 0 || (isSound && notUnderstood.length > 0) ? 'INCONCLUSIVE' : isSound ? 'PASS' : 'DIFFERS',
    summary: [
      `${cuts.length} simulated power ${cuts.length === 1 ? 'cut' : 'cuts'}: ${failure === null ? inWords(tally) : 'it did not start again'}`,
      `loss in ${lossyCuts}${undecided === 0 ? '' : `, ${undecided} more left open`}`,
      ...(other === undefined ? [] : [`with ${modes[1]}: ${inWords(other)}`]),
    ].join('; '),
    observed: {
      powerCuts: cuts.length,
      sent: tally.sent,
      acked: tally.acked,
      unknown: tally.unknown,
      lost: tally.lost,
      lostPrefix: tally.prefix,
      lostMiddle: tally.middle,
      lostSuffix: tally.suffix,
      unknownAndThere: tally.recovered,
      phantom: tally.phantom,
      duplicates: tally.duplicates,
      startsAgain: failure === null,
      ...(other === undefined
        ? {}
        : { ackedWithOs: other.acked, lostWithOs: other.lost, phantomWithOs: other.phantom }),
      syncs: sum((cut) => cut.syncs),
      filesShortened: sum((cut) => cut.filesShortened),
      bytesLost,
    },
    evidence: [
      `power cuts with loss: ${lossyCuts}`,
      simulated,
      ...(system === 'kafka' ? [replication] : []),
      ...(failure === null ? [] : [`it did not start again: ${failure}`]),
      ...notUnderstood.slice(0, 4).map((what) => `not understood, left as it was: ${what}`),
    ],
  };
}
