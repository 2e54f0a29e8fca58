/**
 * The form of report.json as a schema: what is written is checked first, what is read is checked again. It must accept exactly the
 * types of model.ts; the compiler holds the two together at the end of this file.
 */

import { z } from 'zod';
import { fits, phaseNames, type Report, reportSpecVersion, scenarioVerdicts } from './model.ts';

const text = z.string();
const count = z.int().nonnegative();
const amount = z.number().nonnegative();
const timestamp = z.iso.datetime({ offset: true });

const layer = z.enum(['bare', 'port', 'rest', 'grpc', 'reference']);
const profile = z.enum(['smoke', 'standard', 'full']);
const mode = z.enum(['equal-load', 'own-maximum', 'sustainable-rate']);
const limitedBy = z.enum(['broker', 'client', 'machine', 'port', 'gateway', 'generator', 'offered-load']);
const scenarioVerdict = z.enum(scenarioVerdicts);
const durability = z.strictObject({ persistence: z.enum(['memory', 'os', 'fsync']), copies: z.int().min(1) });

const run = z.strictObject({
  id: text,
  seed: z.int(),
  profile,
  planHash: text,
  startedAt: timestamp,
  finishedAt: timestamp,
  command: text,
  durationMs: amount,
  repeats: count,
  layers: z.array(layer),
  order: z.array(text),
  resumed: z.array(z.strictObject({ at: timestamp, rowsBefore: count })).exactOptional(),
  warmUps: z
    .array(
      z.strictObject({
        round: count,
        system: text,
        layer,
        isSteady: z.boolean(),
        endedBecause: text.exactOptional(),
        brokerCpuSecondsPerMillion: z.array(amount.nullable()),
        messagesPerSecond: z.array(amount),
      }),
    )
    .exactOptional(),
});

const environment = z.strictObject({
  cpu: z.strictObject({ model: text, cores: count, mhz: amount }),
  memoryBytes: count,
  kernel: text,
  os: text,
  node: text,
  libraries: z.record(text, text),
  filesystem: z.strictObject({ path: text, type: text, device: text, freeBytes: count }),
  fsyncMs: z.strictObject({ p50: amount, p99: amount, count }),
  loadAverage: z.strictObject({ start: amount, end: amount }),
  generatorCeiling: z.record(text, amount),
});

const capability = z.strictObject({
  level: z.enum(['native', 'emulated', 'unsupported']),
  how: text,
  limits: z.record(text, z.number()).exactOptional(),
});

const system = z.strictObject({
  id: text,
  product: text,
  version: text,
  source: z.enum(['embedded', 'address', 'docker', 'process']),
  nodes: count,
  startMs: amount.nullable(),
  configuration: z.record(text, text),
  capabilities: z.record(text, capability),
  notes: z.array(text),
});

const scenario = z.strictObject({
  id: text,
  title: text,
  question: text,
  system: text,
  layer,
  verdict: scenarioVerdict,
  surprise: z.boolean(),
  surpriseExplained: text.nullable(),
  expected: z.strictObject({ verdict: scenarioVerdict, why: text, versions: text, source: text }),
  summary: text,
  observed: z.record(text, z.union([text, z.number(), z.boolean(), z.array(z.number()), z.array(text)])),
  evidence: z.array(text),
  durationMs: amount,
});

const parameters = z.strictObject({
  messageBytes: count,
  ratePerSecond: amount.nullable(),
  partitions: count,
  subscriptions: count,
  consumersPerSubscription: count,
  keys: count,
  keyDistribution: z.enum(['none', 'uniform', 'zipf']),
  arrival: z.enum(['uniform', 'poisson', 'closed-window', 'trace']),
  messages: count,
  warmupMs: amount,
  measuredMs: amount,
  publishWindow: count,
  credit: count,
  ackBatch: count,
});

const checks = z.strictObject({
  sent: count,
  acked: count,
  unknown: count,
  refused: count,
  received: count,
  lost: count,
  duplicated: count,
  reordered: count,
  phantom: count,
  offenders: z.array(text),
});

const rate = z.strictObject({ messagesPerSecond: amount, megabytesPerSecond: amount });

const latency = z.strictObject({
  p50: amount,
  p90: amount,
  p95: amount,
  p99: amount,
  p999: amount,
  max: amount,
  mean: amount,
  count,
  negative: count,
});

const shortLatency = z.strictObject({ p50: amount, p99: amount, max: amount });

const phase = z.strictObject({
  phase: z.enum(phaseNames),
  fromMs: z.number(),
  toMs: z.number(),
  isSteady: z.boolean().exactOptional(),
  note: text.nullable(),
  figures: z
    .strictObject({
      publishedPerSecond: amount,
      receivedPerSecond: amount,
      endToEndP50Ms: amount.nullable(),
      endToEndP99Ms: amount.nullable(),
      samples: count,
      backlogMax: count,
      settledAfterMs: amount.nullable(),
      brokerCores: amount.nullable(),
    })
    .exactOptional(),
});

const histogram = z.strictObject({ upperMs: z.array(amount), counts: z.array(count) });

const searchCriterion = z.enum(['loss', 'broken', 'achieved', 'latency', 'backlog', 'generator']);

const search = z.strictObject({
  bounds: z.strictObject({ achievedMin: amount, p99MsMax: amount, backlogGrowthMax: amount }),
  sustainedPerSecond: amount,
  foundPerSecond: amount.nullable(),
  failed: z.strictObject({ ratePerSecond: amount, criterion: searchCriterion, because: text, limitedBy }).nullable(),
  end: z.enum(['bracketed', 'top-of-ladder', 'step-limit', 'time-limit', 'nothing-passed']),
  steps: z.array(
    z.strictObject({
      kind: z.enum(['ramp', 'bisection', 'confirmation']),
      ratePerSecond: amount,
      passed: z.boolean(),
      criterion: searchCriterion.nullable(),
      because: text.nullable(),
      achieved: amount,
      backlogPerSecond: z.number().nullable(),
      publishP99Ms: amount,
      endToEndP50Ms: amount,
      endToEndP99Ms: amount,
      samples: count,
      slipP99Ms: amount,
      limitedBy,
      brokerCores: amount.nullable(),
      clientCores: amount,
      planHash: text,
    }),
  ),
});

const reader = z.strictObject({
  received: count,
  missing: count,
  reordered: count,
  p50Ms: amount.nullable(),
  p99Ms: amount.nullable(),
  maxMs: amount.nullable(),
  catchUpMs: amount.nullable(),
  replayPerSecond: amount.nullable(),
  refused: text.exactOptional(),
});

const workload = z.strictObject({
  id: text,
  title: text,
  system: text,
  layer,
  durability,
  mode,
  settings: z.enum(['stock', 'tuned']),
  parameters,
  planHash: text,
  repeat: count,
  startedAt: timestamp,
  valid: z.boolean(),
  invalidBecause: text.exactOptional(),
  limitedBy,
  utilization: z.strictObject({ brokerCores: amount.nullable(), clientCores: amount, eventLoop: amount }),
  checks,
  offered: z.strictObject({ planned: count, acknowledgedInTime: count, blockedMs: count }).exactOptional(),
  search: search.exactOptional(),
  publish: rate,
  consume: rate,
  latencyMs: z.strictObject({ publish: latency, endToEnd: latency }),
  serviceMs: z.strictObject({ publish: shortLatency, endToEnd: shortLatency }).exactOptional(),
  eventLoopLagMs: shortLatency.exactOptional(),
  slipMs: shortLatency,
  cost: z.strictObject({
    brokerCpuSecondsPerMillion: amount.nullable(),
    clientCpuSecondsPerMillion: amount.nullable(),
    bytesWrittenPerPayloadByte: amount.nullable(),
    peakRssBytes: amount.nullable(),
  }),
  histograms: z.strictObject({ publish: histogram, endToEnd: histogram }),
  series: z.array(
    z.strictObject({
      tMs: z.number(),
      published: count,
      received: count,
      backlog: z.number(),
      endToEndP50Ms: amount.nullable(),
      endToEndP99Ms: amount.nullable(),
    }),
  ),
  phases: z.array(phase).exactOptional(),
  notes: z.array(text),
  readers: z.record(text, reader).exactOptional(),
});

const spread = z.strictObject({ median: z.number(), low: z.number(), high: z.number(), count });

const summary = z.strictObject({
  id: text,
  workload: text,
  system: text,
  layer,
  mode,
  durability,
  parameters,
  repeats: count,
  validRepeats: count,
  invalidBecause: z.array(text),
  limitedBy,
  figures: z.record(text, spread),
});

const noise = z.strictObject({
  cell: text,
  mode,
  figure: text,
  first: spread,
  second: spread,
  floor: amount,
});

const primary = z.strictObject({
  level: amount,
  named: count,
  results: z.array(
    z.strictObject({
      id: text,
      hypothesis: text,
      workload: text,
      mode,
      layer,
      figure: text,
      first: text,
      second: text,
      direction: z.enum(['higher', 'lower']),
      repeats: count,
      outcome: z.enum(['shown', 'opposite-shown', 'no-difference-shown', 'cannot-be-shown']),
      because: text,
      firstSpread: spread.nullable(),
      secondSpread: spread.nullable(),
      ratio: amount.nullable(),
      interval: z.strictObject({ low: amount, high: amount }).nullable(),
      cliffsDelta: z.number().nullable(),
      noiseFloor: amount,
      pValue: amount.nullable(),
      adjustedPValue: amount.nullable(),
    }),
  ),
});

const agreement = z.strictObject({
  id: text,
  system: text,
  figure: text,
  unit: text,
  settings: text,
  tool: text,
  ours: spread,
  theirs: spread,
  ratio: amount,
  bound: amount,
  agrees: z.boolean(),
  differs: text,
});

const claim = z.strictObject({
  id: text,
  claim: text,
  verdict: z.enum(['true', 'true-if', 'false', 'inconclusive', 'not-tested']),
  basis: z.enum(['measured', 'documented', 'not-tested']),
  reason: text,
  scope: text,
  evidence: z.array(text),
});

const use = z.strictObject({
  id: text,
  title: text,
  suited: z.array(text),
  answer: text,
  scope: text,
  findings: z.array(
    z.strictObject({
      need: text,
      system: text,
      fit: z.enum(fits),
      basis: z.enum(['measured', 'documented', 'not tested']),
      reason: text,
      cites: z.array(text),
    }),
  ),
});

export const reportSchema = z.strictObject({
  specVersion: z.literal(reportSpecVersion),
  run,
  environment,
  systems: z.array(system),
  scenarios: z.array(scenario),
  workloads: z.array(workload),
  summaries: z.array(summary),
  noise: z.array(noise).exactOptional(),
  primary: primary.exactOptional(),
  verdicts: z.array(claim),
  uses: z.array(use).exactOptional(),
  assertions: z.array(
    z.strictObject({ expression: text, holds: z.boolean(), actual: z.number().nullable(), reason: text }),
  ),
  agreement: z.array(agreement).exactOptional(),
  notMeasured: z.array(z.strictObject({ id: text, system: text.nullable(), layer: layer.nullable(), reason: text })),
  limits: z.array(text),
});

/** The JSON Schema (2020-12) that docs/report.schema.json holds. */
export function reportJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(reportSchema, { target: 'draft-2020-12' });
  return {
    $schema,
    title: 'Sluice comparison report',
    description: `report.json, specVersion ${reportSpecVersion}: the result of one run of "sluice compare", from which every other rendering is made.`,
    ...rest,
  };
}

// Identical, not only assignable: an optional field that only one side has does not compile either.
type Plain<T> = T extends object ? { readonly [K in keyof T]: Plain<T[K]> } : T;
type Identical<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type OfSchema = Omit<Plain<z.infer<typeof reportSchema>>, 'specVersion'>;
type OfModel = Omit<Plain<Report>, 'specVersion'>;
export const schemaAgreesWithModel: Identical<OfSchema, OfModel> = true;
