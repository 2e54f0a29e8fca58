/**
 * Faults that a test plants. Each is used up by what it hits, or ends when the test says so; `using` ends it with its block.
 * What they do to publishes is done by faulty-driver.ts, what they do to the disk by faulty-files.ts.
 */

import { type ErrorCode, PortError, errorCodes } from '../adapters/errors.ts';

/** A planted fault. `using fault = broker.faults.diskFull()` ends it with the block. */
export interface Fault extends Disposable {
  readonly kind: FaultKind;
  /** How often it struck. */
  readonly hits: number;
  readonly isActive: boolean;
  /** Idempotent. */
  end(): void;
}

export type FaultKind = 'refusePublishes' | 'loseAnswers' | 'delayPublishes' | 'failSyncs' | 'diskFull';

export interface PublishFaultOptions {
  /** How many publish calls it strikes; default 1. A publish of several messages is one call; a dead letter is one too. */
  readonly times?: number;
  /** Only publishes to this topic; default any. */
  readonly topic?: string;
}

export interface Faults {
  /** The next publishes are refused, nothing of them is stored. Default code: `backend_unavailable`. */
  refusePublishes(options?: PublishFaultOptions & { readonly code?: ErrorCode }): Fault;
  /** The next publishes are answered `unknown`; the messages are stored, or with `stored: false` they are not. */
  loseAnswers(options?: PublishFaultOptions & { readonly stored?: boolean }): Fault;
  /** The next publishes begin `ms` later on the broker's clock: `clock.advance` shortens the wait. */
  delayPublishes(ms: number, options?: PublishFaultOptions): Fault;
  /**
   * The next syncs of a topic's log fail. Publishes that wait for one (`durability: 'fsync'`) are answered `unknown`, and
   * the partition refuses all others until `broker.restart()`: after a failed sync nobody knows what is on the disk.
   */
  failSyncs(options?: { readonly times?: number }): Fault;
  /** Until it ends every write fails with ENOSPC: publishes are refused with `storage_full`, reads go on. */
  diskFull(): Fault;
  /**
   * The connection is gone for a moment: every lease ends as if its deadline had come (tokens answer `expired`, the attempt
   * counts, the message comes again after its back-off), and publishes under way are answered `unknown`.
   */
  dropConnection(): void;
  /** Ends all that are planted. */
  clear(): void;
  /** Planted and neither used up nor ended. */
  readonly active: readonly Fault[];
}

export type Planted =
  | { readonly kind: 'refusePublishes'; readonly code: ErrorCode; readonly topic: string | undefined }
  | { readonly kind: 'loseAnswers'; readonly stored: boolean; readonly topic: string | undefined }
  | { readonly kind: 'delayPublishes'; readonly ms: number; readonly topic: string | undefined }
  | { readonly kind: 'failSyncs' }
  | { readonly kind: 'diskFull' };

export class PlantedFaults implements Faults {
  #planted: PlantedFault[] = [];
  /** Cuts consumers and publishes under way off; set by the broker. */
  whenDropped: () => void = () => undefined;
  #hits = 0;

  /** Whether anything struck: then the broker's own close may fail for it. */
  get haveStruck(): boolean {
    return this.#hits > 0;
  }

  get active(): readonly Fault[] {
    return this.#planted;
  }

  refusePublishes(options: PublishFaultOptions & { readonly code?: ErrorCode } = {}): Fault {
    const { code = 'backend_unavailable', topic, times } = options;
    if (!Object.hasOwn(errorCodes, code)) throw new PortError('invalid_argument', `"${code}" is no code of the port`);
    return this.#plant({ kind: 'refusePublishes', code, topic }, times);
  }

  loseAnswers(options: PublishFaultOptions & { readonly stored?: boolean } = {}): Fault {
    const { stored = true, topic, times } = options;
    return this.#plant({ kind: 'loseAnswers', stored, topic }, times);
  }

  delayPublishes(ms: number, options: PublishFaultOptions = {}): Fault {
    if (!(Number.isInteger(ms) && ms >= 0)) throw new PortError('invalid_argument', `a delay of ${ms} ms`);
    return this.#plant({ kind: 'delayPublishes', ms, topic: options.topic }, options.times);
  }

  failSyncs(options: { readonly times?: number } = {}): Fault {
    return this.#plant({ kind: 'failSyncs' }, options.times);
  }

  diskFull(): Fault {
    return this.#plant({ kind: 'diskFull' }, Number.POSITIVE_INFINITY);
  }

  dropConnection(): void {
    this.#hits += 1;
    this.whenDropped();
  }

  clear(): void {
    for (const fault of this.#planted.slice()) fault.end();
  }

  /** The first planted fault of these kinds that strikes here, counted; undefined: none does. */
  strike<K extends FaultKind>(kinds: readonly K[], topic?: string): Extract<Planted, { kind: K }> | undefined {
    if (this.#planted.length === 0) return undefined;
    const fault = this.#planted.find(
      ({ what }) =>
        (kinds as readonly FaultKind[]).includes(what.kind) &&
        (!('topic' in what) || what.topic === undefined || what.topic === topic),
    );
    if (fault === undefined) return undefined;
    fault.hits += 1;
    this.#hits += 1;
    if (fault.hits >= fault.times) fault.end();
    return fault.what as Extract<Planted, { kind: K }>;
  }

  #plant(what: Planted, times = 1): Fault {
    if (!(times === Number.POSITIVE_INFINITY || (Number.isInteger(times) && times >= 1)))
      throw new PortError('invalid_argument', `times ${times} must be a whole number from 1 on, or Infinity`);
    const fault = new PlantedFault(what, times, () => {
      this.#planted = this.#planted.filter((other) => other !== fault);
    });
    this.#planted.push(fault);
    return fault;
  }
}

class PlantedFault implements Fault {
  readonly what: Planted;
  readonly times: number;
  hits = 0;
  isActive = true;
  readonly #ended: () => void;

  constructor(what: Planted, times: number, ended: () => void) {
    this.what = what;
    this.times = times;
    this.#ended = ended;
  }

  get kind(): FaultKind {
    return this.what.kind;
  }

  end(): void {
    if (!this.isActive) return;
    this.isActive = false;
    this.#ended();
  }

  [Symbol.dispose](): void {
    this.end();
  }
}
