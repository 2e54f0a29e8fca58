/**
 * Latency against offered load, from the steps of the searches for a sustainable rate: all systems climb the same ladder, so at each
 * of its rungs they were given the same messages. From it follows who has the lower latency at which load, and where that turns
 * around. Pure.
 */

import { compareSpreads, leastNoiseFloor, spreadOf } from '../statistics/index.ts';
import { type Said, say } from './language.ts';
import type { DurabilityReached, Layer, SearchStep, Spread, SystemId, WorkloadRow } from './model.ts';

/** End-to-end p99 at one offered rate, over its tries and repeats. */
export interface LoadPoint {
  readonly ratePerSecond: number;
  readonly p50: Spread;
  readonly p99: Spread;
  readonly passed: number;
  readonly tries: number;
}

export interface LoadCurve {
  readonly workload: string;
  readonly messageBytes: number;
  readonly system: SystemId;
  readonly layer: Layer;
  readonly durability: DurabilityReached;
  /** By rate, ascending. */
  readonly points: readonly LoadPoint[];
}

/** One for each cell that was searched; empty without such rows. */
export function loadCurves(rows: readonly WorkloadRow[]): readonly LoadCurve[] {
  const cells = new Map<string, WorkloadRow[]>();
  for (const row of rows.filter(({ search }) => search !== undefined)) {
    const { persistence, copies } = row.durability;
    const key = [row.id, row.system, row.layer, persistence, copies].join('|');
    cells.set(key, [...(cells.get(key) ?? []), row]);
  }
  return [...cells.values()].map((own) => {
    const first = own[0] as WorkloadRow;
    return {
      workload: first.id,
      messageBytes: first.parameters.messageBytes,
      system: first.system,
      layer: first.layer,
      durability: first.durability,
      points: pointsOf(own.flatMap(({ search }) => search?.steps ?? [])),
    };
  });
}

/** Where the generator was late or the run broke, the latency is not the system's. */
function pointsOf(steps: readonly SearchStep[]): readonly LoadPoint[] {
  const byRate = new Map<number, SearchStep[]>();
  for (const step of steps)
    if (step.kind !== 'confirmation' && !isNoLatency(step))
      byRate.set(step.ratePerSecond, [...(byRate.get(step.ratePerSecond) ?? []), step]);
  return [...byRate]
    .map(([ratePerSecond, own]) => ({
      ratePerSecond,
      p50: spreadOf(
        own.map(({ endToEndP50Ms }) => endToEndP50Ms),
        ratePerSecond,
      ),
      p99: spreadOf(
        own.map(({ endToEndP99Ms }) => endToEndP99Ms),
        ratePerSecond,
      ),
      passed: own.filter(({ passed }) => passed).length,
      tries: own.length,
    }))
    .toSorted((a, b) => a.ratePerSecond - b.ratePerSecond);
}

function isNoLatency({ criterion, samples }: SearchStep): boolean {
  return criterion === 'generator' || criterion === 'broken' || criterion === 'loss' || samples === 0;
}

// ------------------------------------------------------------------------------------------------ where it turns

export interface LoadComparison {
  readonly workload: string;
  readonly messageBytes: number;
  readonly layer: Layer;
  readonly first: SystemId;
  readonly second: SystemId;
  readonly isSamePromise: boolean;
  /** Rates that both were given; `lower`: whose p99 is shown to be the lower one, null where no difference is shown. */
  readonly rungs: readonly {
    readonly ratePerSecond: number;
    readonly first: LoadPoint;
    readonly second: LoadPoint;
    readonly lower: 'first' | 'second' | null;
  }[];
  /** Between these two rates it is first one, then the other. */
  readonly turns: readonly { readonly from: number; readonly to: number; readonly lowerAbove: 'first' | 'second' }[];
}

/**
 * How much the same system differs from itself on such a way is not known; below this nothing is called a difference, and with one try
 * at a rate more is asked for (`singleRepeatFloor`).
 */
export const noiseFloorOfLoads = leastNoiseFloor;

/** Of every pair of curves of one workload and layer whose first is `first`. `floor`: differences within it are none. */
export function loadComparisons(
  curves: readonly LoadCurve[],
  first: (system: SystemId) => boolean,
  second: (system: SystemId) => boolean,
  floor: number,
): readonly LoadComparison[] {
  return curves
    .filter(({ system }) => first(system))
    .flatMap((one) =>
      curves
        .filter((two) => second(two.system) && two.workload === one.workload && two.layer === one.layer)
        .map((two) => comparisonOf(one, two, floor)),
    );
}

function comparisonOf(one: LoadCurve, two: LoadCurve, floor: number): LoadComparison {
  const rungs = one.points.flatMap((a) => {
    const b = two.points.find(({ ratePerSecond }) => ratePerSecond === a.ratePerSecond);
    if (b === undefined) return [];
    const comparison = compareSpreads(a.p99, b.p99, floor);
    const lower = comparison === 'no-difference-shown' ? null : comparison === 'lower' ? 'first' : 'second';
    return [{ ratePerSecond: a.ratePerSecond, first: a, second: b, lower } as const];
  });
  const decided = rungs.flatMap(({ ratePerSecond, lower }) => (lower === null ? [] : [{ ratePerSecond, lower }]));
  const turns = decided.flatMap(({ ratePerSecond, lower }, index) => {
    const before = decided[index - 1];
    return before === undefined || before.lower === lower
      ? []
      : [{ from: before.ratePerSecond, to: ratePerSecond, lowerAbove: lower }];
  });
  return {
    workload: one.workload,
    messageBytes: one.messageBytes,
    layer: one.layer,
    first: one.system,
    second: two.system,
    isSamePromise:
      one.durability.persistence === two.durability.persistence && one.durability.copies === two.durability.copies,
    rungs,
    turns,
  };
}

/** `kafka lower at 8,000–16,000/s, rabbitmq-classic at 2,000–4,000/s; turns between 4,000 and 8,000/s`. */
export function loadComparisonInWords({ first, second, rungs, turns }: LoadComparison): Said {
  if (rungs.length === 0) return say('no rate was given to both', 'لم يُعرض معدل على الاثنين معًا');
  const at = (side: 'first' | 'second'): readonly Said[] => {
    const rates = rungs.filter(({ lower }) => lower === side).map(({ ratePerSecond }) => ratePerSecond);
    if (rates.length === 0) return [];
    const system = side === 'first' ? first : second;
    const range = fromTo(Math.min(...rates), Math.max(...rates));
    return [say(`${system} lower at ${range.en}/s`, `${system} أقل عند ${range.ar} في الثانية`)];
  };
  const sides = [...at('first'), ...at('second')];
  const all = fromTo(rungs[0]?.ratePerSecond ?? 0, rungs.at(-1)?.ratePerSecond ?? 0, true);
  if (sides.length === 0) return say(`no difference shown at ${all.en}/s`, `لم يظهر فرق عند ${all.ar} في الثانية`);
  const around = turns.map(({ from, to }) =>
    say(`${whole(from)} and ${whole(to)}/s`, `${whole(from)} و ${whole(to)} في الثانية`),
  );
  const turned =
    around.length === 0
      ? say('', '')
      : say(
          `; it turns around between ${around.map(({ en }) => en).join(', and between ')}`,
          `؛ وينقلب الحال بين ${around.map(({ ar }) => ar).join('، وبين ')}`,
        );
  return say(
    `${sides.map(({ en }) => en).join(', ')} (of ${all.en}/s given to both)${turned.en}`,
    `${sides.map(({ ar }) => ar).join('، ')} (مما عُرض على الاثنين: ${all.ar} في الثانية)${turned.ar}`,
  );
}

function fromTo(least: number, most: number, isAlwaysBoth = false): Said {
  if (least === most && !isAlwaysBoth) return say(whole(least), whole(least));
  return say(`${whole(least)} to ${whole(most)}`, `${whole(least)} إلى ${whole(most)}`);
}

function whole(rate: number): string {
  return rate.toLocaleString('en-US');
}
