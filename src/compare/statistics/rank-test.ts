/**
 * Whether two sets of repeats can be of the same thing: the exact rank-sum test (Wilcoxon, Mann and Whitney) by counting every
 * way in which the repeats could have been dealt to the two sides. It asks nothing of the shape of the figures, and ties are
 * dealt as they are. Counted, not sampled: with ten repeats a side there are 184,756 deals, few sums, and no seed to choose.
 */

/** Probability, two-sided, of ranks at least as far from even as these, if both sides were draws of one thing. 1 with an empty side. */
export function rankTest(first: readonly number[], second: readonly number[]): number {
  const [n, m] = [first.length, second.length];
  if (n === 0 || m === 0) return 1;
  const ranks = doubledRanks([...first, ...second]);
  const sum = total(ranks.slice(0, n));
  // Twice the mean of a rank is n + m + 1, and so are doubled ranks whole numbers with ties too.
  const even = n * (n + m + 1);
  const deals = dealsBySum(ranks, n);
  let all = 0;
  let asFar = 0;
  for (const [each, ways] of deals.entries()) {
    all += ways;
    if (Math.abs(each - even) >= Math.abs(sum - even)) asFar += ways;
  }
  return asFar / all;
}

/** The least that `rankTest` can give with so many repeats: when every one of one side is above every one of the other. */
export function leastPValue(n: number, m: number): number {
  if (n === 0 || m === 0) return 1;
  let deals = 1;
  for (let i = 1; i <= Math.min(n, m); i++) deals = (deals * (n + m - Math.min(n, m) + i)) / i;
  return Math.min(1, 2 / Math.round(deals));
}

/** How often one of the first is above one of the second, less how often below (Cliff's delta): 1 all above, 0 evenly, -1 all below. */
export function cliffsDelta(first: readonly number[], second: readonly number[]): number {
  if (first.length === 0 || second.length === 0) return 0;
  let sum = 0;
  for (const a of first) for (const b of second) sum += Math.sign(a - b);
  return sum / (first.length * second.length);
}

/**
 * Holm's step-down correction: p-values as they may be compared with the level when so many were asked. The smallest counts times
 * their number, the next times one less, none less than the one before it; in the order given.
 */
export function holmAdjusted(pValues: readonly number[]): readonly number[] {
  const order = pValues.map((_, index) => index).toSorted((a, b) => (pValues[a] as number) - (pValues[b] as number));
  const adjusted = pValues.map(() => 1);
  let largest = 0;
  for (const [step, index] of order.entries()) {
    largest = Math.max(largest, Math.min(1, (pValues[index] as number) * (pValues.length - step)));
    adjusted[index] = largest;
  }
  return adjusted;
}

/** Twice the rank of each value, from 2 on; equal values share the mean of their places. */
function doubledRanks(values: readonly number[]): readonly number[] {
  const ordered = values.toSorted((a, b) => a - b);
  return values.map((value) => {
    const firstPlace = ordered.indexOf(value) + 1;
    const lastPlace = ordered.lastIndexOf(value) + 1;
    return firstPlace + lastPlace;
  });
}

/** By sum of doubled ranks: how many choices of `count` of them have it. */
function dealsBySum(ranks: readonly number[], count: number): readonly number[] {
  const most = total(ranks);
  const ways = Array.from({ length: count + 1 }, () => new Float64Array(most + 1));
  (ways[0] as Float64Array)[0] = 1;
  for (const rank of ranks)
    for (let chosen = count; chosen >= 1; chosen--) {
      const [to, from] = [ways[chosen] as Float64Array, ways[chosen - 1] as Float64Array];
      for (let sum = most; sum >= rank; sum--) to[sum] = (to[sum] as number) + (from[sum - rank] as number);
    }
  return [...(ways[count] as Float64Array)];
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
