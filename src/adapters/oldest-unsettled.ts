/**
 * How old the first message is that a subscription on a log has not settled. Its timestamp is in the log; it is read once for each place at
 * which the subscription stands, because whoever watches asks every few seconds and a batch is not free to open.
 */

interface Seen {
  readonly offset: number;
  readonly timestampMs: number;
}

export class OldestUnsettled {
  readonly #timestampAt: (topic: string, partition: number, offset: number) => Promise<number | undefined>;
  /** One for each partition of each subscription that was asked about. */
  readonly #seen = new Map<string, Seen>();

  /** @param timestampAt of the first message at or after the offset; undefined when it cannot be read. */
  constructor(timestampAt: (topic: string, partition: number, offset: number) => Promise<number | undefined>) {
    this.#timestampAt = timestampAt;
  }

  /** Undefined when there is no message at or after the offset any more, or it cannot be read. */
  async ageMs(subscription: string, topic: string, partition: number, offset: number): Promise<number | undefined> {
    const key = keyOf(subscription, partition);
    let seen = this.#seen.get(key);
    if (seen?.offset !== offset) {
      const timestampMs = await this.#timestampAt(topic, partition, offset);
      if (timestampMs === undefined) return undefined;
      seen = { offset, timestampMs };
      this.#seen.set(key, seen);
    }
    // A publisher may give a timestamp of the future.
    return Math.max(0, Math.round(Date.now() - seen.timestampMs));
  }

  forget(subscription: string, partition: number): void {
    this.#seen.delete(keyOf(subscription, partition));
  }
}

function keyOf(subscription: string, partition: number): string {
  return `${subscription}/${partition}`;
}
