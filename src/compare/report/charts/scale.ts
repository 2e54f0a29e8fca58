/** Axes: where a value falls, and which values get a tick. Linear axes begin at zero; logarithmic ones span whole decades. */

export interface Scale {
  readonly ticks: readonly number[];
  readonly at: (value: number) => number;
}

/** From zero to a round number at or above `largest`. */
export function linearScale(largest: number, from: number, to: number): Scale {
  const step = niceStep(largest <= 0 ? 1 : largest, 4);
  const steps = Math.max(1, Math.ceil((largest <= 0 ? 1 : largest) / step - 1e-9));
  const top = steps * step;
  return {
    ticks: Array.from({ length: steps + 1 }, (_, index) => Number((index * step).toPrecision(12))),
    at: (value) => from + ((to - from) * value) / top,
  };
}

/** From the 1, 2 or 5 below the smallest value to the one above the largest; ticks at decades, at 2 and 5 too when there are few. */
export function logScale(smallest: number, largest: number, from: number, to: number): Scale {
  const first = Math.floor(Math.log10(smallest) + 1e-9);
  const last = Math.max(first + 1, Math.ceil(Math.log10(largest) - 1e-9));
  const steps = Array.from({ length: last - first + 1 }, (_, index) => first + index).flatMap((decade) =>
    [1, 2, 5].map((factor) => Number((factor * 10 ** decade).toPrecision(3))),
  );
  const bottom = steps.filter((step) => step <= smallest * 1.0001).at(-1) ?? 10 ** first;
  const top = steps.find((step) => step >= largest * 0.9999 && step > bottom) ?? 10 ** last;
  const [low, high] = [Math.log10(bottom), Math.log10(top)];
  const within = steps.filter((step) => step >= bottom && step <= top);
  return {
    ticks: high - low <= 3 ? within : within.filter((step) => isDecade(step)),
    at: (value) => from + ((to - from) * (Math.log10(Math.max(value, bottom)) - low)) / (high - low),
  };
}

function isDecade(value: number): boolean {
  return Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-9;
}

/** 1, 2, 2.5 or 5 times a power of ten, so that about `wanted` steps reach the largest. */
function niceStep(largest: number, wanted: number): number {
  const rough = largest / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 2.5, 5, 10].find((candidate) => candidate * power >= rough * 0.999) ?? 10;
  return factor * power;
}

/** 0.5 -> 0.3, 0.9 -> 1, 0.99 -> 2: how many nines a fraction has. */
export function nines(fraction: number): number {
  return -Math.log10(1 - fraction);
}
