/** Made-up data that is the same in every run: numbers from a seed, and names picked by them. */

/** Numbers in [0, 1): mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** From 0 to `below` - 1, the small ones more often: some customers order much more than others. */
export function skewed(random: () => number, below: number): number {
  return Math.floor(below * random() ** 2);
}

/** Around 0 with a deviation of 1. */
export function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
