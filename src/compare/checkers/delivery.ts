/**
 * Decides, in O(1) per message, whether a run kept its promises: what was acknowledged and never came (lost), what came
 * twice, what came after a later message of its key, and what nobody sent (phantom). Runs inside every workload.
 */

import type { Plan } from '../workloads/plan.ts';

export type SendFate = 'acked' | 'refused' | 'unknown';

export interface DeliveryCounts {
  readonly sent: number;
  readonly acked: number;
  readonly unknown: number;
  readonly refused: number;
  readonly received: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  readonly phantom: number;
  readonly offenders: readonly string[];
}

const offendersMax = 8;
const fateCodes = { notSent: 0, sent: 1, acked: 2, refused: 3, unknown: 4 } as const;

interface SubscriptionState {
  readonly seen: Uint8Array;
  /** Highest key sequence received so far, by key; the last slot is for messages without a key. */
  readonly lastKeySeq: Int32Array;
  received: number;
  reordered: number;
}

/** What one subscription got. `missing`: acknowledged and not received. */
export interface SubscriptionCounts {
  readonly received: number;
  readonly missing: number;
  readonly reordered: number;
}

export class DeliveryChecker {
  readonly #plan: Plan;
  readonly #fates: Uint8Array;
  readonly #subscriptions: readonly SubscriptionState[];
  readonly #checksKeyless: boolean;
  readonly #offenders: string[] = [];
  readonly #settled = { acked: 0, refused: 0, unknown: 0 };
  #sent = 0;
  #duplicated = 0;
  #reordered = 0;
  #phantom = 0;

  /** `keylessInOrder`: messages without a key were promised in one order (one partition). */
  constructor(plan: Plan, subscriptions: number, options: { readonly keylessInOrder: boolean }) {
    this.#plan = plan;
    this.#fates = new Uint8Array(plan.count);
    this.#checksKeyless = options.keylessInOrder;
    this.#subscriptions = Array.from({ length: subscriptions }, () => ({
      seen: new Uint8Array(plan.count),
      lastKeySeq: new Int32Array(plan.keyNames.length + 1).fill(-1),
      received: 0,
      reordered: 0,
    }));
  }

  sent(seq: number): void {
    this.#fates[seq] = fateCodes.sent;
    this.#sent++;
  }

  settled(seq: number, fate: SendFate): void {
    this.#fates[seq] = fateCodes[fate];
    this.#settled[fate]++;
  }

  /** A payload that could not be read as one of this run. */
  phantom(subscription: number, what: string): void {
    this.#phantom++;
    this.#offend(`subscription ${subscription} received ${what}`);
  }

  /** True for the first reception. */
  received(subscription: number, seq: number): boolean {
    const state = this.#subscriptions[subscription];
    if (state === undefined) throw new RangeError(`there is no subscription ${subscription}`);
    if (seq >= this.#plan.count || this.#fates[seq] === fateCodes.notSent) {
      this.phantom(subscription, `message ${seq}, which was never sent`);
      return false;
    }
    if (state.seen[seq] !== 0) {
      this.#duplicated++;
      this.#offend(`subscription ${subscription} received message ${seq} more than once`);
      return false;
    }
    state.seen[seq] = 1;
    state.received++;
    this.#checkOrder(subscription, state, seq);
    return true;
  }

  /** Every message that was sent has its outcome, and every acknowledged one has come to every subscription. */
  isComplete(): boolean {
    return this.settledCount === this.#sent && this.missing === 0;
  }

  get settledCount(): number {
    return this.#settled.acked + this.#settled.refused + this.#settled.unknown;
  }

  get sentCount(): number {
    return this.#sent;
  }

  get ackedCount(): number {
    return this.#settled.acked;
  }

  /** First receptions over all subscriptions. */
  get receivedCount(): number {
    return this.#subscriptions.reduce((sum, state) => sum + state.received, 0);
  }

  /** A cheap lower bound of what is still to come: exact when nothing unknown was delivered. */
  get missing(): number {
    return Math.max(0, this.#settled.acked * this.#subscriptions.length - this.receivedCount);
  }

  receivedBy(subscription: number): number {
    return this.#subscriptions[subscription]?.received ?? 0;
  }

  /** Of one subscription; call after the drain. */
  countsOf(subscription: number): SubscriptionCounts {
    const state = this.#subscriptions[subscription];
    if (state === undefined) throw new RangeError(`there is no subscription ${subscription}`);
    let missing = 0;
    for (let seq = 0; seq < this.#plan.count; seq++)
      if (this.#fates[seq] === fateCodes.acked && state.seen[seq] === 0) missing++;
    return { received: state.received, missing, reordered: state.reordered };
  }

  /** A checker for a reader of its own over what was sent so far, such as a replay: nothing received yet. */
  forAnotherReader(): DeliveryChecker {
    const other = new DeliveryChecker(this.#plan, 1, { keylessInOrder: this.#checksKeyless });
    other.#fates.set(this.#fates);
    other.#sent = this.#sent;
    Object.assign(other.#settled, this.#settled);
    return other;
  }

  /** The final count; call after the drain. Changes nothing. */
  result(): DeliveryCounts {
    const offenders = [...this.#offenders];
    let lost = 0;
    let phantom = this.#phantom;
    for (const [index, { seen }] of this.#subscriptions.entries()) {
      for (let seq = 0; seq < this.#plan.count; seq++) {
        const wasSeen = seen[seq] !== 0;
        if (this.#fates[seq] === fateCodes.acked && !wasSeen) {
          lost++;
          noteIn(offenders, `subscription ${index} never received message ${seq}, which was acknowledged`);
        }
        if (this.#fates[seq] === fateCodes.refused && wasSeen) {
          phantom++;
          noteIn(offenders, `subscription ${index} received message ${seq}, which was refused as certainly not stored`);
        }
      }
    }
    return {
      sent: this.#sent,
      ...this.#settled,
      received: this.receivedCount,
      lost,
      duplicated: this.#duplicated,
      reordered: this.#reordered,
      phantom,
      offenders,
    };
  }

  #checkOrder(subscription: number, state: SubscriptionState, seq: number): void {
    const key = this.#plan.keyIndex[seq] as number;
    if (key === -1 && !this.#checksKeyless) return;
    const slot = key === -1 ? this.#plan.keyNames.length : key;
    const keySeq = this.#plan.keySeq[seq] as number;
    const last = state.lastKeySeq[slot] as number;
    if (keySeq > last) {
      state.lastKeySeq[slot] = keySeq;
      return;
    }
    this.#reordered++;
    state.reordered++;
    this.#offend(`subscription ${subscription} received number ${keySeq} of key ${key} after number ${last}`);
  }

  #offend(sentence: string): void {
    noteIn(this.#offenders, sentence);
  }
}

function noteIn(offenders: string[], sentence: string): void {
  if (offenders.length < offendersMax) offenders.push(sentence);
}
