/**
 * The whole comparison, as one story: get the systems, look at the machine, ask the scenarios, run the workloads, draw the
 * conclusions. It always cleans up what it made, and a system that cannot be had costs its rows, not the run.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { decideUses } from '../advice/index.ts';
import { type AgreementResult, checkAgreement } from '../agreement/index.ts';
import { onlyOfTheAnswer } from '../conclusions/answer-rows.ts';
import { checkAssertion } from '../conclusions/assertions.ts';
import type { CompareOptions } from './compare-options.ts';
import { documented } from '../scenarios/documented.ts';
import { codeDigest, describeEnvironment, ownVersion } from '../environment.ts';
import type { GatewayProcess } from '../gateway/index.ts';
import type { Going } from './going.ts';
import { isRow, Journal, measuredMsOf, readJournal, refuseOtherPlan, type RunHeader } from './journal.ts';
import { blameLayer } from '../load/limited-by.ts';
import { backlogMax } from '../load/load-run.ts';
import { noiseFloors } from '../conclusions/noise.ts';
import { decidePrimary } from '../conclusions/primary-comparisons.ts';
import { type Report, reportSpecVersion, type ScenarioRow, type WarmUp } from '../report/model.ts';
import { RunBrokers } from './brokers.ts';
import { runWorkloads } from './cells.ts';
import { namesOfRun, runPlanOf } from './plan.ts';
import { warmUpsInWords } from './warm-up.ts';
import { askFaultScenarios, askScenarios } from './questions.ts';
import { stepsOf } from './steps.ts';
import { closeAll, openWires } from './wires.ts';
import { notRun, scenarios } from '../scenarios/index.ts';
import { summarize } from '../conclusions/summaries.ts';
import { backendOf, systemOf } from '../systems/system-ids.ts';
import { systemRow, type SystemsContext } from '../systems/systems.ts';
import { decideClaims } from '../conclusions/verdicts.ts';
import type { Wire } from '../systems/wire.ts';
import { hashOfPlans } from '../workloads/index.ts';

/** Resolves with the report, also when runs were invalid or assertions failed. Rejects with SystemMissing, RemoteRefused, or when aborted. */
export async function compare(options: CompareOptions): Promise<Report> {
  const plan = runPlanOf(options);
  const { journal } = options;
  // Before brokers are started: a plan that is not the one begun is refused at once.
  const begun = journal?.resume === true ? readJournal(journal.directory) : null;
  if (begun !== null) refuseOtherPlan(begun.header, plan.hash);
  const startedMs = performance.now();
  const now = new Date().toISOString();
  const startedAt = begun?.header.startedAt ?? now;
  const runId = begun?.header.runId ?? `${startedAt.replaceAll(/\D/g, '').slice(2, 14)}-${process.pid.toString(36)}`;
  // What the interrupted part made on brokers may still be there.
  const prefix = begun === null ? runId : `${runId}-${process.pid.toString(36)}`;
  const brokers = await RunBrokers.obtain(options);
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-cmp-'));
  const wires: Wire[] = [];
  const gateways = new Map<string, Promise<GatewayProcess>>();
  let kept: Journal | null = null;
  try {
    const environment = await describeEnvironment(dataDir);
    const context = contextOf(brokers, { dataDir, sluiceVersion: await ownVersion(), gateways });
    const missing = await openWires(context, options, wires);
    const software = await softwareOf(environment, wires);
    kept = openJournal(options, { planHash: plan.hash, runId, startedAt, command: options.command, software });
    const going: Going = {
      context,
      brokers,
      options,
      plan,
      wires,
      prefix,
      journal: kept,
      steps: stepsOf(options, plan, { journal: kept, isFresh: brokers.whyNotFresh === null }),
    };
    const asked = await askScenarios(going);
    const measured = await runWorkloads(going);
    const agreement = options.checksAgreement === true ? await agreementOf(going) : null;
    // What is killed comes last: nothing after it would find its broker as it was.
    const faulted = await askFaultScenarios(going);
    const scenarioRows = inScenarioOrder([...asked.rows, ...faulted.rows]);
    const rows = blameLayer(measured.rows);
    const cells = summarize(rows, options.seed);
    const noise = noiseFloors(rows, measured.twins, options.seed);
    const primary = decidePrimary(plan.primary, rows, noise, options.seed);
    const systems = [...new Set(options.layers.flatMap((layer) => namesOfRun(options, layer)))]
      .filter((system) => wires.some((wire) => wire.name === system))
      .map((system) => systemRow(context, system, wires));
    const machine = `${environment.cpu.model}, ${environment.cpu.cores} cores, everything on one host`;
    const resumed = resumptionsOf(kept, now);
    return withUses({
      specVersion: reportSpecVersion,
      run: {
        id: runId,
        seed: options.seed,
        profile: options.profile,
        planHash: hashOfPlans(measured.planHashes),
        startedAt,
        finishedAt: new Date().toISOString(),
        command: options.command,
        durationMs: Math.round(performance.now() - startedMs) + measuredMsOf(kept?.entries ?? []),
        repeats: options.repeats,
        layers: options.layers,
        order: measured.order,
        ...(resumed.length === 0 ? {} : { resumed }),
        ...(measured.warmUps.length === 0 ? {} : { warmUps: measured.warmUps }),
      },
      environment: {
        ...environment,
        loadAverage: { start: environment.loadAverage.start, end: loadavg()[0] ?? 0 },
        generatorCeiling: measured.ceilings,
      },
      systems,
      scenarios: scenarioRows,
      workloads: rows,
      summaries: cells,
      ...(noise.length === 0 ? {} : { noise }),
      ...(primary === null ? {} : { primary }),
      verdicts: decideClaims({ systems, scenarios: scenarioRows, cells, machine, noise, primary, searches: rows }),
      assertions: options.assertions.map((assertion) => checkAssertion(assertion, cells)),
      ...(agreement === null ? {} : { agreement: agreement.rows }),
      notMeasured: [
        ...missing,
        ...asked.notMeasured,
        ...faulted.notMeasured,
        ...measured.notMeasured,
        ...(agreement?.reasons ?? []).map((one) => ({ ...one, system: null, layer: null })),
        ...(asked.rows.length + faulted.rows.length > 0 ? notAsked() : []),
        ...protocolsNotMeasured(options),
      ],
      limits: limitsOf(options, { resumed, whyNotFresh: brokers.whyNotFresh, warmUps: measured.warmUps }),
    });
  } finally {
    kept?.close();
    await closeAll(wires, options);
    for (const gateway of gateways.values()) await gateway.then((one) => one.close()).catch(() => undefined);
    await brokers.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Of the brokers as they are when somebody asks: they may be started anew on the way. */
function contextOf(brokers: RunBrokers, own: Omit<SystemsContext, 'brokers' | 'others'>): SystemsContext {
  return {
    ...own,
    get brokers() {
      return brokers.brokers;
    },
    get others() {
      return brokers.others;
    },
  };
}

/** Which system suits each use that was run, from everything else in the report. */
function withUses(report: Report): Report {
  const decided = decideUses(onlyOfTheAnswer(report), documented);
  return decided.length === 0 ? report : { ...report, uses: decided };
}

// ------------------------------------------------------------------------------------------------ going on

function openJournal(options: CompareOptions, header: Omit<RunHeader, 'kind' | 'journal' | 'flags'>): Journal | null {
  const { journal } = options;
  if (journal === undefined) return null;
  if (journal.resume) return Journal.resume(journal.directory, header.planHash, header.software);
  return Journal.begin(journal.directory, { ...header, flags: journal.flags });
}

/** Everything that a figure depends on, beside the machine's load. */
async function softwareOf(
  { cpu, kernel, node, libraries }: Omit<Report['environment'], 'generatorCeiling'>,
  wires: readonly Wire[],
): Promise<RunHeader['software']> {
  return {
    processor: `${cpu.model}, ${cpu.cores} cores`,
    kernel,
    node,
    ...libraries,
    'code of sluice': await codeDigest(),
    ...Object.fromEntries(
      wires.map(({ name, layer, product, version, configuration: { libraries: clients, java } }) => [
        `${name} ${layer}`,
        [
          `${product} ${version}`,
          ...(clients === undefined ? [] : [clients]),
          ...(java === undefined ? [] : [java]),
        ].join(', '),
      ]),
    ),
  };
}

function resumptionsOf(journal: Journal | null, now: string): NonNullable<Report['run']['resumed']> {
  if (journal === null || journal.entries.length === 0) return [];
  const parts: { at: string; rowsBefore: number }[] = [];
  let rows = 0;
  for (const entry of journal.entries)
    if (entry.kind === 'part') parts.push({ at: entry.at, rowsBefore: rows });
    else if (isRow(entry)) rows++;
  return [...parts.slice(1), { at: now, rowsBefore: rows }];
}

// ------------------------------------------------------------------------------------------------ beside scenarios and workloads

async function agreementOf({ context, options, prefix }: Going): Promise<AgreementResult> {
  const { profile, seed, signal, onProgress } = options;
  onProgress('agreement: independent tools on the same brokers');
  const own = signal === undefined ? {} : { signal };
  return await checkAgreement({ context, profile, seed, prefix: `sluice-cmp-${prefix}`, onProgress, ...own });
}

/** As the report has it: for every system and layer. */
function notAsked(): Report['notMeasured'] {
  return notRun.map(({ id, reason }) => ({ id, system: null, layer: null, reason }));
}

/** What RabbitMQ speaks and no row here does. */
function protocolsNotMeasured({ systems }: CompareOptions): Report['notMeasured'] {
  if (!systems.some((name) => backendOf[systemOf(name)] === 'rabbitmq')) return [];
  const reason =
    'every row of RabbitMQ is by AMQP 0.9.1, but for rabbitmq-stream-protocol; AMQP 1.0, which 4.x speaks natively, was not tried';
  return [{ id: 'amqp-1.0', system: null, layer: null, reason }];
}

/** In the order of the list, whether they ran first or last. */
function inScenarioOrder(rows: readonly ScenarioRow[]): readonly ScenarioRow[] {
  const place = ({ id }: ScenarioRow) => scenarios.findIndex((scenario) => scenario.id === id);
  return rows.toSorted((a, b) => place(a) - place(b));
}

function limitsOf(
  { profile, repeats, workloads, layers, roundsPerFreshData, scenarioIds, asksSlowOnAllLayers }: CompareOptions,
  {
    resumed,
    whyNotFresh,
    warmUps,
  }: {
    readonly resumed: NonNullable<Report['run']['resumed']>;
    readonly whyNotFresh: string | null;
    readonly warmUps: readonly WarmUp[];
  },
): readonly string[] {
  return [
    ...resumed.map(
      ({ at, rowsBefore }) =>
        `The run was interrupted and went on at ${at}, with ${rowsBefore} rows from before: the same plan and software, with brokers started anew; what else the machine did may have been another thing.`,
    ),
    'Everything runs on one host over loopback: there is no network, and load generator and brokers share its cores. Ratios may transfer, absolute figures do not.',
    scenarioIds.includes('node-kill-quorum') && asksSlowOnAllLayers !== false
      ? 'Each broker is one node, but for node-kill-quorum, which kills one of three on the same machine: its copies go over loopback, and the loss of a machine is not measured. Quorum queues and Kafka are built for three or more.'
      : 'Each broker is one node: copies, elections and the loss of a machine are not measured. Quorum queues and Kafka are built for three or more.',
    `Clients are amqplib and kafkajs in one Node process: single-threaded JavaScript may be the limit (see "limited by"). ${
      layers.includes('reference')
        ? 'What the vendors\' own Java clients do stands in the rows of the layer "reference", which are no part of the verdicts.'
        : "The vendors' own clients do more: --layers reference measures them where Java is on the machine."
    }`,
    `An own maximum keeps at most ${backlogMax.toLocaleString('en')} acknowledged messages waiting for the consumer, so that it could go on for ever; its latencies are those of saturation.`,
    ...(workloads.some(({ spec }) => spec.ladder !== undefined)
      ? [
          'A sustainable rate was held for seconds: what takes minutes or days to show (retention, compaction, a heap that fills) is not in it.',
        ]
      : []),
    ...(workloads.length === 0 ? [] : [dataInWords(roundsPerFreshData, whyNotFresh)]),
    ...warmUpsInWords(warmUps),
    'Durability differs by system and stands in every row; rows of different durability are not the same promise.',
    scenarioIds.includes('power-loss') && asksSlowOnAllLayers !== false
      ? 'A power cut is simulated, on one node: what was not synced is taken away. That copies on other machines outlive it, which is what Kafka relies on, was not tested.'
      : 'What survives a power cut was not tested in this run (power-loss, of the profile full, asks it); fsync stands for it.',
    ...(repeats < 5
      ? [
          `${repeats} ${repeats === 1 ? 'repeat' : 'repeats'} (profile ${profile}): too few for an interval that means much.`,
        ]
      : []),
  ];
}

function dataInWords(roundsPerFreshData: number | undefined, whyNotFresh: string | null): string {
  if (roundsPerFreshData !== undefined && whyNotFresh === null) {
    const when =
      roundsPerFreshData === 1
        ? 'Each round of repeats began with brokers started anew on empty data directories'
        : `Brokers were started anew on empty data directories for every ${roundsPerFreshData} rounds of repeats`;
    return `${when}; every cell had topics and queues of its own, which were deleted after it.`;
  }
  return `All repeats ran on the same brokers and data directories, each cell on topics and queues of its own, which were deleted after it${whyNotFresh === null || roundsPerFreshData === undefined ? '' : `: ${whyNotFresh}`}.`;
}
