/** `sluice compare`: the command line of the comparison. */

import type { Command } from 'commander';
import type { CompareOptions, PlannedWorkload, RunState } from './index.ts';
import { registerRecommendCommand } from './recommend.ts';
import type { Language } from './report/language.ts';
import type { Layer, Profile, Report } from './report/model.ts';

/** Exit status, as --help and docs/COMPARING.md say. */
const exitStatus = { done: 0, failed: 1, usage: 2, missing: 3 } as const;

const profiles: readonly Profile[] = ['smoke', 'standard', 'full'];
const languagesOffered: readonly Language[] = ['en', 'ar'];
const layersOffered: readonly Layer[] = ['bare', 'port', 'rest', 'grpc', 'reference'];
/** A minute is too short for gateways and for Java: in smoke they are asked for by name. */
const layersOfSmoke: readonly Layer[] = ['bare', 'port'];

const examples = `
Examples:
  sluice compare                                         the standard comparison of all systems (about half an hour)
  sluice compare --profile smoke                         the same questions with small counts, in a minute
  sluice compare --systems kafka rabbitmq-stream --only throughput-1k replay-after-ack
  sluice compare --systems rabbitmq-quorum rabbitmq-quorum@3.10 --only poison-message priority
  sluice compare --trace app.jsonl --speed 10            your own traffic on every system
  sluice compare --profile smoke --assert "throughput-1k.kafka.latencyMs.publish.p99 < 50ms"
  sluice compare --only agreement                        is the instrument right? independent tools beside it
  sluice compare --resume compare-report                 go on with an interrupted run
  sluice compare old/report.json new/report.json --worse-by 10%
  sluice compare --render compare-report/report.json --lang ar     the page of a report once more, in Arabic
  sluice compare old.json new.json --assert "throughput-1k.kafka.publish.messagesPerSecond > -5%"

Systems: log, rabbitmq-quorum, rabbitmq-classic, rabbitmq-stream, kafka; another version of
RabbitMQ is named with it (rabbitmq-quorum@3.10, @4.0). Layers: bare (the usual client of each), port, a
gateway by rest and grpc, and reference: the vendors' Java clients (kafka-java, kafka-share, rabbitmq-quorum-java,
rabbitmq-classic-java, rabbitmq-stream-protocol), where Java is on the machine. By other settings, on bare: kafka-fsync
(flush.messages=1), kafka-tuned, rabbitmq-quorum-tuned, rabbitmq-classic-tuned, rabbitmq-stream-tuned.
Brokers: those of SLUICE_RABBITMQ_URL and SLUICE_KAFKA_BROKERS, those that \`sluice brokers up\` left running, else new ones.
Writes report.json, report.md, report.csv, and report.html in the language of --lang, with the other language beside it
(report.ar.html or report.en.html); each page has a link to the other. Exit status: 0 done, 1 an assertion failed or a run was
invalid, 2 wrong usage, 3 a system that was asked for could not be had.
`;

interface CompareFlags {
  readonly systems?: string[];
  readonly profile: string;
  readonly only?: string[];
  readonly layers?: string[];
  readonly workload?: string;
  readonly trace?: string;
  readonly speed?: string;
  readonly seed: string;
  readonly repeats?: string;
  readonly out: string;
  readonly assert?: string[];
  readonly allowRemote?: true;
  readonly check?: true;
  readonly freshData?: true;
  /** Absent in what a run of before it was begun with. */
  readonly lang?: string;
  readonly render?: string;
  readonly metricsPort?: string;
  readonly resume?: string;
  readonly worseBy?: string;
  readonly json?: true;
  readonly all?: true;
}

/** Among the scenarios and workloads of `--only`: the check alone. */
const agreementId = 'agreement';

/** Wrong usage: the message is for the user, the exit status is 2. */
class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Adds the commands `compare` and `recommend`. */
export function registerCompareCommands(program: Command): void {
  registerRecommendCommand(program);
  program
    .command('compare')
    .description('run the same scenarios and workloads on every system and write one report')
    .argument('[reports...]', 'OLD.json NEW.json: what changed between two reports, instead of a run')
    .option('--systems <ids...>', 'systems to compare (all; also comma-separated)')
    .option(
      '--profile <name>',
      'smoke (under a minute), standard (under half an hour) or full (an evening)',
      'standard',
    )
    .option('--only <ids...>', 'only these scenarios and workloads')
    .option(
      '--layers <names...>',
      'bare, port, rest, grpc, reference (all; smoke: bare and port); the last three only for throughput-1k',
    )
    .option('--workload <file>', 'run this workload (YAML or JSON) instead of the built-in ones')
    .option('--trace <file>', 'replay this JSONL trace instead of the workloads and scenarios')
    .option('--speed <factor>', 'replay the trace this much faster (1)')
    .option('--seed <number>', 'everything random follows from it', '1')
    .option(
      '--repeats <count>',
      'repeats of every workload (smoke 1; standard and full 5, and 10 for the primary comparisons)',
    )
    .option('--out <directory>', 'where the report goes', './compare-report')
    .option('--lang <language>', 'of report.html: en or ar; the page in the other language stands beside it', 'en')
    .option(
      '--render <file>',
      'write the pages of this report.json once more, beside it or into --out, instead of a run',
    )
    .option(
      '--resume <directory>',
      'go on with the run that was interrupted there; other flags are those it was begun with',
    )
    .option('--assert <expressions...>', 'a bound on a figure; the exit status says whether all hold')
    .option(
      '--worse-by <percent>',
      'OLD NEW: fail when anything is shown to be worse by more than this, or a property was lost',
    )
    .option('--json', 'OLD NEW: print the table as JSON')
    .option('--all', 'OLD NEW: list also what shows no difference')
    .option(
      '--check',
      "also run independent tools (Kafka's ProducerPerformance and EndToEndLatency, a loop on RabbitMQ's Java client) and say whether they agree; alone with --only agreement",
    )
    .option(
      '--fresh-data',
      'brokers that the run starts itself start anew on empty data directories for each round of repeats (full: for every second one)',
    )
    .option(
      '--metrics-port <port>',
      'serve metrics of the run on 127.0.0.1, to watch it with Prometheus; 0 is a free port',
    )
    .option('--allow-remote', 'put the load also on brokers that are not on this machine')
    .addHelpText('after', examples)
    .action(runCommand);
}

async function runCommand(reports: readonly string[], flags: CompareFlags, command: Command): Promise<void> {
  const { RemoteRefused, ResumeError, SystemMissing, WorkloadFileError } = await import('./index.ts');
  const { TraceError } = await import('./trace/index.ts');
  const given = Object.fromEntries(
    Object.entries(flags).filter(([name]) => command.getOptionValueSource(name) === 'cli'),
  );
  try {
    process.exitCode =
      flags.render !== undefined
        ? await renderAgain(flags.render, reports, flags, given)
        : reports.length > 0
          ? await compareTwo(reports, flags, given)
          : await compareAndWrite(flags, given);
  } catch (reason) {
    if (reason instanceof Interrupted) fail(reason.message, exitStatus.failed);
    else if (reason instanceof ResumeError) fail(`--resume: ${reason.message}`, exitStatus.usage);
    else if (reason instanceof UsageError || reason instanceof WorkloadFileError || reason instanceof RemoteRefused)
      fail(reason.message, exitStatus.usage);
    else if (reason instanceof TraceError) fail(`${reason.message} (${reason.code})`, exitStatus.usage);
    else if (reason instanceof SystemMissing) fail(reason.message, exitStatus.missing);
    else throw reason;
  }
}

class Interrupted extends Error {
  /** `journal`: what was kept, null where there is nothing yet. */
  constructor(journal: string | null) {
    super(
      journal === null
        ? 'interrupted: nothing was measured yet'
        : `interrupted: what was measured is kept; go on with: sluice compare --resume ${quoted(journal)}`,
    );
  }
}

function fail(message: string, status: number): void {
  process.stderr.write(`sluice compare: ${message}\n`);
  process.exitCode = status;
}

async function compareAndWrite(typed: CompareFlags, given: Partial<CompareFlags>): Promise<number> {
  for (const name of ['worseBy', 'json', 'all'] as const)
    if (typed[name] !== undefined)
      throw new UsageError(
        `--${name === 'worseBy' ? 'worse-by' : name} is for two reports: sluice compare OLD.json NEW.json`,
      );
  const { flags, command } =
    typed.resume === undefined ? { flags: typed, command: null } : await begunWith(typed.resume, given);
  // What runs for half an hour does not end in a word that is not known.
  languageOf(flags);
  const stop = new AbortController();
  const { existsSync } = await import('node:fs');
  const { journalName } = await import('./index.ts');
  const hasRows = () => existsSync(`${flags.out}/${journalName}`);
  const onSignal = () => stop.abort(new Interrupted(hasRows() ? flags.out : null));
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  const telling = await tellProgress();
  const live = await liveMetricsOf(flags.metricsPort, telling.onProgress);
  try {
    const { compare } = await import('./index.ts');
    await makeWritable(flags.out);
    const options = await optionsFrom(flags, stop.signal);
    const report = await compare({
      ...options,
      ...(live === undefined ? {} : { live }),
      ...(command === null ? {} : { command }),
      ...telling,
      journal: { directory: flags.out, resume: typed.resume !== undefined, flags: { ...flags } },
    });
    telling.end();
    const files = await write(report, flags.out, languageOf(flags));
    process.stdout.write(`${closingWords(report, files).join('\n')}\n`);
    return statusOf(report);
  } finally {
    live?.close();
    telling.end();
    process.removeListener('SIGINT', onSignal);
    process.removeListener('SIGTERM', onSignal);
  }
}

/** @throws UsageError for what is no port, or one that is taken. */
async function liveMetricsOf(port: string | undefined, onProgress: (line: string) => void) {
  if (port === undefined) return undefined;
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    throw new UsageError(`--metrics-port must be from 0 to 65535, not ${port}`);
  const { LiveMetrics } = await import('./run/live-metrics.ts');
  const live = new LiveMetrics();
  try {
    onProgress(`metrics on ${await live.listen(Number(port))}`);
  } catch (reason) {
    throw new UsageError(`--metrics-port ${port}: ${(reason as Error).message}`);
  }
  return live;
}

/** The flags that an interrupted run was begun with. What is given now replaces them, and is refused where it makes another plan. */
async function begunWith(
  directory: string,
  given: Partial<CompareFlags>,
): Promise<{ readonly flags: CompareFlags; readonly command: string }> {
  const { readJournal } = await import('./index.ts');
  if (given.out !== undefined)
    throw new UsageError('--resume writes where the run began; --out cannot be given with it');
  const { header } = readJournal(directory);
  return { flags: { ...(header.flags as unknown as CompareFlags), ...given, out: directory }, command: header.command };
}

async function tellProgress() {
  const { ProgressLines } = await import('./run/progress.ts');
  const lines = new ProgressLines(process.stderr, { isTerminal: process.stderr.isTTY });
  return {
    onProgress: (line: string) => lines.line(line),
    onState: (state: RunState) => lines.state(state),
    end: () => lines.end(),
  };
}

// ------------------------------------------------------------------------------------------------ a report once more

async function renderAgain(
  file: string,
  reports: readonly string[],
  flags: CompareFlags,
  given: Partial<CompareFlags>,
): Promise<number> {
  const meant = new Set(['render', 'lang', 'out']);
  const [strange] = Object.keys(given).filter((name) => !meant.has(name));
  if (strange !== undefined) throw new UsageError(`--${strange} is not for --render`);
  if (reports.length > 0) throw new UsageError('--render takes one report, and no OLD.json NEW.json beside it');
  const language = languageOf(flags);
  const report = await readReport(file);
  const path = await import('node:path');
  const directory = given.out ?? path.dirname(file);
  await makeWritable(directory);
  const files = await writeFiles(await pagesOf(report, language), directory);
  process.stdout.write(`written: ${files.join(', ')}\n`);
  return exitStatus.done;
}

function languageOf({ lang = 'en' }: Pick<CompareFlags, 'lang'>): Language {
  return oneOf('--lang', lang, languagesOffered);
}

// ------------------------------------------------------------------------------------------------ two reports

async function compareTwo(
  files: readonly string[],
  flags: CompareFlags,
  given: Partial<CompareFlags>,
): Promise<number> {
  const meant = new Set(['assert', 'worseBy', 'json', 'all']);
  const [strange] = Object.keys(given).filter((name) => !meant.has(name));
  if (strange !== undefined) throw new UsageError(`--${strange} is for a run, not for two reports`);
  const [oldFile, newFile, ...more] = files;
  if (oldFile === undefined || newFile === undefined || more.length > 0)
    throw new UsageError(`two reports are compared, OLD.json and NEW.json; ${files.length} were given`);
  const { AssertionSyntaxError } = await import('./index.ts');
  const { checkBound, checkWorseBy, compareReports, parseBound, parsePercent, regressionText } = await import(
    './regression/index.ts'
  );
  const [before, after] = [await readReport(oldFile), await readReport(newFile)];
  try {
    const table = compareReports(before, after);
    const bounds = [
      ...(flags.assert ?? []).map((expression) => checkBound(parseBound(expression), table, after)),
      ...(flags.worseBy === undefined ? [] : checkWorseBy(parsePercent(flags.worseBy), table)),
    ];
    const text =
      flags.json === true
        ? `${JSON.stringify({ ...table, assertions: bounds }, null, 1)}\n`
        : regressionText(table, bounds, { all: flags.all === true });
    process.stdout.write(text);
    if (table.figures.length + table.scenariosUnchanged + table.verdicts.length === 0)
      throw new UsageError('the two reports have nothing in common that can be compared');
    return bounds.every(({ holds }) => holds) ? exitStatus.done : exitStatus.failed;
  } catch (reason) {
    if (reason instanceof AssertionSyntaxError) throw new UsageError(reason.message);
    throw reason;
  }
}

async function readReport(file: string): Promise<Report> {
  const { readFile } = await import('node:fs/promises');
  const { parseReport, ReportError } = await import('./report/index.ts');
  try {
    return parseReport(await readFile(file, 'utf8'));
  } catch (reason) {
    if (reason instanceof ReportError || (reason as NodeJS.ErrnoException).code !== undefined)
      throw new UsageError(`${file}: ${(reason as Error).message}`);
    throw reason;
  }
}

// ------------------------------------------------------------------------------------------------ flags

async function optionsFrom(flags: CompareFlags, signal: AbortSignal): Promise<CompareOptions> {
  const {
    AssertionSyntaxError,
    isReferenceName,
    isSystemName,
    namesOfRun,
    namesOn,
    parseAssertion,
    primaryRepeatsOf,
    referenceNames,
    repeatsOf,
    scenarios,
    systemIds,
    variantNames,
  } = await import('./index.ts');
  const profile = oneOf('--profile', flags.profile, profiles);
  const systems = flags.systems === undefined ? systemIds : listOf(flags.systems);
  const namesReference = systems.some(isReferenceName);
  const layers =
    flags.layers === undefined
      ? profile === 'smoke'
        ? [...layersOfSmoke, ...(namesReference ? (['reference'] as const) : [])]
        : layersOffered
      : listOf(flags.layers).map((name) => oneOf('--layers', name, layersOffered));
  const known = systems.filter(isSystemName);
  if (systems.length === 0) throw new UsageError('--systems names none');
  const [strange] = systems.filter((system) => !isSystemName(system));
  if (strange !== undefined)
    throw new UsageError(
      `--systems: there is no system "${strange}"; systems: ${systemIds.join(', ')}, and of RabbitMQ other versions (rabbitmq-quorum@3.10, @4.0); reference rows: ${referenceNames.join(', ')}; by other settings: ${variantNames.join(', ')}`,
    );
  if (known.length > 0 && layers.every((layer) => namesOn(layer, known).length === 0))
    throw new UsageError(
      `--layers: none of these systems is on ${layers.join(', ')}; ${referenceNames.join(', ')} are on "reference" only, ${variantNames.join(', ')} on "bare" only, the log and older versions are not on "reference"`,
    );
  const named = flags.only === undefined ? null : listOf(flags.only);
  const checksAgreement = flags.check === true || named?.includes(agreementId) === true;
  const only = named?.filter((id) => id !== agreementId) ?? null;
  if (flags.speed !== undefined && flags.trace === undefined) throw new UsageError('--speed needs --trace');
  const workloads = await workloadsFrom(flags, profile, layers, only);
  // What smoke leaves out is still run when it is asked for by name.
  const offered = profile === 'smoke' && only === null ? scenarios.filter((one) => one.isInSmoke === true) : scenarios;
  const scenarioIds = (flags.trace ?? flags.workload) !== undefined && only === null ? [] : offered.map(({ id }) => id);
  let assertions: CompareOptions['assertions'];
  try {
    assertions = (flags.assert ?? []).map(parseAssertion);
  } catch (reason) {
    if (reason instanceof AssertionSyntaxError) throw new UsageError(`--assert: ${reason.message}`);
    throw reason;
  }
  for (const { expression, workload, system } of assertions) {
    // It would fail for want of a figure, half an hour later.
    if (!workloads.some(({ spec }) => spec.id === workload))
      throw new UsageError(`--assert: "${expression}": workload "${workload}" is not one of this run`);
    if (!layers.some((layer) => namesOfRun({ systems: known, workloads }, layer).includes(system)))
      throw new UsageError(`--assert: "${expression}": system "${system}" is not one of this run`);
  }
  return {
    systems: known,
    systemsAreRequired: flags.systems !== undefined,
    layers,
    profile,
    repeats: flags.repeats === undefined ? repeatsOf(profile) : wholeNumber('--repeats', flags.repeats, 1),
    ...(flags.repeats === undefined ? { primaryRepeats: primaryRepeatsOf(profile) } : {}),
    seed: wholeNumber('--seed', flags.seed, 0),
    scenarioIds: scenarioIds.filter((id) => only === null || only.includes(id)),
    ...(flags.freshData === true ? { roundsPerFreshData: 1 } : profile === 'full' ? { roundsPerFreshData: 2 } : {}),
    asksSlowOnAllLayers: profile !== 'standard' || only !== null,
    workloads,
    assertions,
    command: `npx sluice ${process.argv.slice(2).map(quoted).join(' ')}`,
    onProgress: () => {},
    signal,
    allowsRemote: flags.allowRemote === true,
    checksAgreement,
  };
}

async function workloadsFrom(
  flags: CompareFlags,
  profile: Profile,
  layers: readonly Layer[],
  only: readonly string[] | null,
): Promise<readonly PlannedWorkload[]> {
  const { readWorkload, scenarios, workloadIds, workloadsOf } = await import('./index.ts');
  const known = [
    ...scenarios.map(({ id }) => id),
    ...workloadIds,
    agreementId,
    ...(flags.trace === undefined ? [] : ['trace']),
  ];
  const [strange] = (only ?? []).filter((id) => !known.includes(id));
  if (strange !== undefined)
    throw new UsageError(
      `--only: there is no scenario or workload "${strange}"; there are ${[...new Set(known)].join(', ')}`,
    );
  if (flags.trace !== undefined && flags.workload !== undefined)
    throw new UsageError('--trace and --workload exclude each other');
  if (flags.workload !== undefined) return [{ spec: await readWorkload(flags.workload, layers) }];
  if (flags.trace !== undefined) return [await traceFrom(flags.trace, flags.speed, layers)];
  // A workload that smoke leaves out is still run, with its small counts, when it is asked for by name.
  const wanted =
    only === null ? workloadsOf(profile) : workloadsOf(profile, 'all').filter(({ id }) => only.includes(id));
  return wanted.map((spec) => ({ spec }));
}

async function traceFrom(
  file: string,
  speedText: string | undefined,
  layers: readonly Layer[],
): Promise<PlannedWorkload> {
  const { planFromMessages, traceWorkload } = await import('./index.ts');
  const { readTrace } = await import('./trace/index.ts');
  const speed = speedText === undefined ? 1 : Number(speedText);
  if (!Number.isFinite(speed) || speed <= 0) throw new UsageError(`--speed: "${speedText}" is not a number above 0`);
  const messages = await readTrace(file);
  const plan = planFromMessages(
    messages.map(({ tMs, key, size, value, headers }) => ({
      atMs: tMs,
      key,
      bytes: size ?? Buffer.byteLength(value ?? ''),
      ...(headers === undefined ? {} : { headers }),
    })),
    speed,
  );
  const topics = new Set(messages.map(({ topic }) => topic)).size;
  const name = file.split('/').at(-1) ?? file;
  return {
    spec: traceWorkload(plan, `${name} at speed ${speed}`, layers),
    plan,
    notes: [
      "values are replaced by checked ones of the same size (at least 36 bytes); times, keys, sizes and headers are the trace's",
      ...(topics > 1 ? [`the trace's ${topics} topics are sent to one`] : []),
    ],
  };
}

/** `--systems a b` and `--systems a,b` are the same. */
function listOf(values: readonly string[]): readonly string[] {
  return values.flatMap((value) => value.split(',')).filter((value) => value !== '');
}

function oneOf<T extends string>(flag: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((name) => name === value);
  if (found === undefined) throw new UsageError(`${flag}: "${value}" is none of ${allowed.join(', ')}`);
  return found;
}

function wholeNumber(flag: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least)
    throw new UsageError(`${flag}: "${text}" is not a whole number from ${least} on`);
  return value;
}

function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", String.raw`'\''`)}'`;
}

// ------------------------------------------------------------------------------------------------ what comes out

/** Before the run: nobody wants to hear of a wrong path after half an hour. */
async function makeWritable(directory: string): Promise<void> {
  const { access, constants, mkdir } = await import('node:fs/promises');
  try {
    await mkdir(directory, { recursive: true });
    await access(directory, constants.W_OK);
  } catch (reason) {
    throw new UsageError(`--out: ${(reason as Error).message}`);
  }
}

async function write(report: Report, directory: string, language: Language): Promise<readonly string[]> {
  const { mkdir, rm, writeFile } = await import('node:fs/promises');
  const path = await import('node:path');
  const { checkReport } = await import('./report/index.ts');
  await mkdir(directory, { recursive: true });
  const json = `${JSON.stringify(report, null, 1)}\n`;
  try {
    checkReport(report);
  } catch (reason) {
    // Half an hour of measuring is not thrown away for a mistake of ours, but nothing takes it for a report either.
    await writeFile(path.join(directory, 'report.rejected.json'), json);
    throw reason;
  }
  const files = await writeFiles({ 'report.json': json, ...(await pagesOf(report, language)) }, directory);
  // Everything in it stands in the report now.
  const { journalName } = await import('./index.ts');
  await rm(path.join(directory, journalName), { force: true });
  return files;
}

/** Everything that is made from report.json. `report.html` is in the language that was asked for. */
async function pagesOf(report: Report, language: Language): Promise<Readonly<Record<string, string>>> {
  const { renderCsv, renderHtml, renderMarkdown } = await import('./report/index.ts');
  const other = language === 'en' ? 'ar' : 'en';
  const otherPage = `report.${other}.html`;
  return {
    'report.md': renderMarkdown(report),
    'report.html': renderHtml(report, { language, other: otherPage }),
    [otherPage]: renderHtml(report, { language: other, other: 'report.html' }),
    'report.csv': renderCsv(report),
  };
}

async function writeFiles(files: Readonly<Record<string, string>>, directory: string): Promise<readonly string[]> {
  const { writeFile } = await import('node:fs/promises');
  const path = await import('node:path');
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(directory, name), text);
  return Object.keys(files).map((name) => path.join(directory, name));
}

function statusOf(report: Report): number {
  // Asked for, and nothing of it could be had.
  if (report.agreement?.length === 0) return exitStatus.missing;
  const isBroken =
    report.workloads.some((row) => !row.valid) || report.assertions.some((assertion) => !assertion.holds);
  return isBroken ? exitStatus.failed : exitStatus.done;
}

/** The table of agreement as lines. */
function agreementWords({ agreement = [] }: Report): readonly string[] {
  return agreement.map(
    ({ id, ours, theirs, unit, ratio, agrees, bound, tool, differs }) =>
      `agreement ${id}: ours ${ours.median} ${unit}, ${tool} ${theirs.median}, ratio ${ratio}: ${agrees ? 'agrees' : `DISAGREES by more than ${bound * 100} % (not equal: ${differs})`}`,
  );
}

function closingWords(report: Report, files: readonly string[]): readonly string[] {
  const surprises = report.scenarios.filter((row) => row.surprise);
  const invalid = report.workloads.filter((row) => !row.valid);
  return [
    `${report.scenarios.length} scenario rows (${surprises.length} surprises), ${report.workloads.length} workload rows (${invalid.length} invalid), ${(report.run.durationMs / 1000).toFixed(1)} s, plan ${report.run.planHash.slice(0, 12)}`,
    ...surprises.map(
      (row) =>
        `SURPRISE ${row.id} ${row.system} ${row.layer}: ${row.verdict}, expected ${row.expected.verdict}: ${row.summary}`,
    ),
    ...invalid.map((row) => `INVALID ${row.id} ${row.mode} ${row.system} ${row.layer}: ${row.invalidBecause}`),
    ...report.assertions.map(
      (assertion) => `${assertion.holds ? 'holds' : 'FAILS'}: ${assertion.expression} (${assertion.reason})`,
    ),
    ...agreementWords(report),
    ...report.verdicts.map((verdict) => `${verdict.claim}: ${verdict.verdict}`),
    ...(report.uses ?? []).map(({ title, answer }) => `${title}: ${answer}`),
    `written: ${files.join(', ')}`,
  ];
}
