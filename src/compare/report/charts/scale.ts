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

/** Whole decades around the values; a tick at each decade, at 2 and 5 too when there are few. */
export function logScale(smallest: number, largest: number, from: number, to: number): Scale {
  const low = Math.floor(Math.log10(smallest) + 1e-9);
  const high = Math.max(low + 1, Math.ceil(Math.log10(largest) - 1e-9));
  const decades = Array.from({ length: high - low + 1 }, (_, index) => low + index);
  const inner = high - low <= 3 ? [1, 2, 5] : [1];
  return {
    ticks: decades
      .flatMap((decade) => inner.map((factor) => Number((factor * 10 ** decade).toPrecision(3))))
      .filter((tick) => tick <= 10 ** high * 1.0001),
    at: (value) => from + ((to - from) * (Math.log10(Math.max(value, 10 ** low)) - low)) / (high - low),
  };
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
