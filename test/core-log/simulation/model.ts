/**
 * What must be true of a partition, told by what was sent to it and what was answered: a row of claims by offset, and no
 * files. Everything here is plain enough to be believed by reading it.
 */

import type { LogPersistence, LogRecord } from '../../../src/core-log/index.ts';

/** How a life ended. After `close` everything is there, after `kill` what was written, after `powerCut` what was synced. */
export type Ending = 'close' | 'kill' | 'powerCut';

export interface Sent {
  /** Unique, in a header of the record. */
  readonly mark: string;
  readonly key: string | null;
  readonly isTombstone: boolean;
  /** Two with the same are the same message, sent twice. */
  readonly identity: string | null;
  /** In the order in which the partition was given them. */
  readonly sequence: number;
  /** `gone`: was not there at an opening, so it never comes back. */
  status: 'maybe' | 'refused' | 'gone' | 'stored';
}

interface Claim {
  readonly mark: string | null;
  readonly identity: string | null;
  readonly durability: LogPersistence;
  /** It was found at an opening. */
  readonly isSettled: boolean;
  /** Somebody asked for its removal. */
  isDeletable: boolean;
}

interface Identity {
  acceptedMs: number;
  /** The window of its recognition is over. */
  isExpired: boolean;
}

const depths: readonly LogPersistence[] = ['memory', 'os', 'fsync'];

export class Violation extends Error {
  override readonly name = 'Violation';
}

export class PartitionModel {
  readonly topic: string;
  readonly partition: number;
  readonly isCompacted: boolean;
  readonly sent = new Map<string, Sent>();
  readonly #claims = new Map<number, Claim>();
  readonly #identities = new Map<string, Identity>();
  /** What was removed stays away. */
  #floor = 0;
  /** Somebody asked for everything before `offset` to go, when so many had been sent: what was sent later is not meant. */
  #deletions: { readonly offset: number; readonly sent: number }[] = [];
  /** Retention was applied in this life: whatever is old may go. */
  mayDrop = false;

  constructor(topic: string, partition: number, isCompacted: boolean) {
    this.topic = topic;
    this.partition = partition;
    this.isCompacted = isCompacted;
  }

  get name(): string {
    return `${this.topic}-${this.partition}`;
  }

  send(
    mark: string,
    of: { readonly key: string | null; readonly identity: string | null; readonly isTombstone?: boolean },
  ) {
    const { key, identity, isTombstone = false } = of;
    const sent: Sent = { mark, key, identity, isTombstone, sequence: this.sent.size, status: 'maybe' };
    this.sent.set(mark, sent);
    return sent;
  }

  /** The window of an identity begins with its first one. */
  identify(identity: string, nowMs: number): void {
    if (!this.#identities.has(identity)) this.#identities.set(identity, { acceptedMs: nowMs, isExpired: false });
  }

  passTime(nowMs: number, windowMs: number): void {
    for (const identity of this.#identities.values()) identity.isExpired ||= nowMs - identity.acceptedMs >= windowMs;
  }

  /** The record is at this offset, says an answer. */
  acked(sent: Sent, offset: number, durability: LogPersistence): void {
    const before = this.#claims.get(offset);
    const isFirm = before !== undefined && (before.isSettled || before.durability !== 'memory');
    if (isFirm && before.mark !== null && before.mark !== sent.mark)
      this.#fail(`offset ${offset} was given to ${before.mark}, and now to ${sent.mark}`);
    if (isFirm && before.identity !== null && before.identity !== sent.identity)
      this.#fail(`offset ${offset} was answered for ${before.identity}, and is now ${sent.mark}`);
    const isDeeper = before === undefined || depths.indexOf(durability) > depths.indexOf(before.durability);
    this.#claims.set(offset, {
      mark: sent.mark,
      identity: sent.identity,
      durability: isDeeper ? durability : before.durability,
      isSettled: false,
      isDeletable: this.#deletions.some((deletion) => offset < deletion.offset && sent.sequence < deletion.sent),
    });
  }

  /** The same was stored before, at this offset, says an answer. */
  repeated(sent: Sent, offset: number, durability: LogPersistence): void {
    sent.status = 'refused'; // this copy of it
    const isDeletable = this.#deletions.some((deletion) => offset < deletion.offset);
    if (this.isCompacted || isDeletable || offset < this.#floor || this.mayDrop) return;
    const claim = this.#claims.get(offset);
    // What was answered from memory may have been refused since, and its offset given out again.
    const isStale = claim !== undefined && claim.identity !== sent.identity && claim.durability === 'memory';
    const before = isStale ? undefined : claim;
    if (before !== undefined && before.identity !== sent.identity)
      this.#fail(`${sent.identity} is called a repetition of offset ${offset}, and that is ${before.mark}`);
    const isDeeper = before === undefined || depths.indexOf(durability) > depths.indexOf(before.durability);
    this.#claims.set(offset, {
      mark: before?.mark ?? null,
      identity: sent.identity,
      durability: isDeeper ? durability : before.durability,
      isSettled: before?.isSettled ?? false,
      isDeletable: before?.isDeletable ?? false,
    });
  }

  /** From now on records before `offset` may be gone. */
  deleting(offset: number): void {
    this.#deletions.push({ offset, sent: this.sent.size });
    for (const [at, claim] of this.#claims) if (at < offset) claim.isDeletable = true;
  }

  deleted(earliest: number): void {
    this.#floor = Math.max(this.#floor, earliest);
  }

  /** The topic was made anew: nothing of the old one may be in it. */
  begin(): void {
    for (const sent of this.sent.values()) sent.status = 'gone';
    this.#claims.clear();
    this.#floor = 0;
    this.#deletions = [];
  }

  /** What a reader was given in passing. */
  read(records: readonly LogRecord[], from: number): void {
    let expected = from;
    for (const record of records) {
      if (this.isCompacted ? record.offset < expected : record.offset !== expected)
        this.#fail(`a reader from ${from} was given ${record.offset} where ${expected} follows`);
      expected = record.offset + 1;
      const sent = this.#known(record);
      const claim = this.#claims.get(record.offset);
      const isFirm = claim !== undefined && (claim.isSettled || claim.durability !== 'memory');
      if (isFirm && claim.mark !== null && claim.mark !== sent.mark)
        this.#fail(`a reader was given ${sent.mark} at offset ${record.offset}, which is ${claim.mark}`);
    }
  }

  /** What it holds after an opening; from then on that is settled. */
  opened(
    records: readonly LogRecord[],
    status: { readonly earliest: number; readonly next: number },
    about: { readonly ending: Ending; readonly wasStruck: boolean; readonly nowMs: number },
  ): void {
    const found = this.#listed(records, status);
    const must = (claim: Claim): boolean => isHeld(claim, about.ending, about.wasStruck);
    for (const [offset, claim] of this.#claims) {
      if (!must(claim)) continue;
      const there = found.get(offset);
      if (there !== undefined) this.#sameAs(claim, there, offset);
      else if (offset < status.earliest && (claim.isDeletable || this.mayDrop)) continue;
      else if (!this.isCompacted)
        this.#fail(`offset ${offset}, ${claim.mark ?? claim.identity}, acknowledged, is lost`);
    }
    if (this.isCompacted) this.#latestKept(found, must);
    this.#settle(found, status.earliest, about.nowMs);
  }

  #listed(
    records: readonly LogRecord[],
    status: { readonly earliest: number; readonly next: number },
  ): Map<number, Sent> {
    const { earliest, next } = status;
    if (earliest < this.#floor) this.#fail(`begins at ${earliest}, and ${this.#floor} was the beginning already`);
    const found = new Map<number, Sent>();
    const identities = new Map<string, number>();
    let previous: Sent | undefined;
    let expected = earliest;
    for (const record of records) {
      const { offset } = record;
      if (offset >= next || (this.isCompacted ? offset < expected : offset !== expected))
        this.#fail(`has offset ${offset} where ${expected} follows, and ends at ${next}`);
      expected = offset + 1;
      const sent = this.#known(record);
      if (previous !== undefined && sent.sequence <= previous.sequence)
        this.#fail(`has ${sent.mark} behind ${previous.mark}, which was sent later`);
      previous = sent;
      const { identity } = sent;
      const first = identity === null ? undefined : identities.get(identity);
      if (identity !== null && first !== undefined && this.#identities.get(identity)?.isExpired !== true)
        this.#fail(`has ${identity} twice, at ${first} and ${offset}`);
      if (identity !== null) identities.set(identity, offset);
      found.set(offset, sent);
    }
    if (!this.isCompacted && expected !== next) this.#fail(`ends at ${next}, and ${expected} is the last it has`);
    return found;
  }

  #known(record: LogRecord): Sent {
    const mark = markOf(record);
    const sent = this.sent.get(mark);
    if (sent === undefined) this.#fail(`has what nobody sent at ${record.offset}: ${mark}`);
    if (sent.status === 'refused' || sent.status === 'gone')
      this.#fail(`has ${mark} at ${record.offset}, which was ${sent.status}`);
    const isWhole = sent.isTombstone ? record.value === null : record.value?.toString().startsWith(mark) === true;
    if (!isWhole || (record.key?.toString() ?? null) !== sent.key)
      this.#fail(`has ${mark} with another's key or value`);
    return sent;
  }

  #sameAs(claim: Claim, there: Sent, offset: number): void {
    const isSame = claim.mark === null ? claim.identity === there.identity : claim.mark === there.mark;
    if (!isSame)
      this.#fail(`has ${there.mark} at ${offset}, and ${claim.mark ?? claim.identity} was acknowledged there`);
  }

  /** Of each key the latest that was acknowledged is there, or a later one; or its deletion, or nothing after that. */
  #latestKept(found: ReadonlyMap<number, Sent>, must: (claim: Claim) => boolean): void {
    const latest = new Map<string, Sent>();
    for (const sent of found.values()) latest.set(sent.key as string, sent); // by rising sequence
    for (const claim of this.#claims.values()) {
      const held = claim.mark === null ? undefined : this.sent.get(claim.mark);
      if (held === undefined || !must(claim)) continue;
      const there = latest.get(held.key as string);
      if (there !== undefined && there.sequence >= held.sequence) continue;
      const isDeleted = [...this.sent.values()].some(
        (sent) =>
          sent.key === held.key && sent.isTombstone && sent.sequence >= held.sequence && sent.status !== 'refused',
      );
      if (there !== undefined || !isDeleted)
        this.#fail(`has ${there?.mark ?? 'nothing'} as the latest of ${held.key}, and ${held.mark} was acknowledged`);
    }
  }

  #settle(found: ReadonlyMap<number, Sent>, earliest: number, nowMs: number): void {
    for (const sent of this.sent.values()) if (sent.status !== 'refused') sent.status = 'gone';
    this.#claims.clear();
    for (const [offset, sent] of found) {
      sent.status = 'stored';
      const { mark, identity } = sent;
      this.#claims.set(offset, { mark, identity, durability: 'fsync', isSettled: true, isDeletable: false });
    }
    this.#floor = earliest;
    this.#deletions = [];
    this.mayDrop = false;
    // Found in the log again they count from now, which may be before they came: somebody may have set the clock.
    for (const identity of this.#identities.values()) identity.acceptedMs = Math.min(identity.acceptedMs, nowMs);
  }

  #fail(what: string): never {
    throw new Violation(`${this.name} ${what}`);
  }
}

function isHeld({ isSettled, durability }: Claim, ending: Ending, wasStruck: boolean): boolean {
  if (isSettled || durability === 'fsync') return true;
  if (durability === 'os') return ending !== 'powerCut';
  return ending === 'close' && !wasStruck;
}

export const MARK_HEADER = 'mark';

function markOf({ headers, value }: LogRecord): string {
  const header = headers.find(({ name }) => name === MARK_HEADER)?.value;
  return header?.toString() ?? `a record without a mark: ${value?.toString().slice(0, 20)}`;
}

interface Put {
  readonly value: number | null;
  readonly durability: 'os' | 'fsync';
  /** How deep the data was known to be that it speaks of. */
  readonly covers: 'nothing' | 'os' | 'fsync';
  state: 'waiting' | 'acked' | 'refused';
}

/** The places that a consumer wrote down, of one partition. */
export class CursorModel {
  #puts: Put[] = [{ value: null, durability: 'fsync', covers: 'fsync', state: 'acked' }];

  put(value: number, durability: 'os' | 'fsync', covers: 'os' | 'fsync'): Put {
    const put: Put = { value, durability, covers, state: 'waiting' };
    this.#puts.push(put);
    return put;
  }

  opened(name: string, value: number | null, next: number, ending: Ending): void {
    const holds = (depth: Put['covers']): boolean => depth === 'fsync' || (depth === 'os' && ending !== 'powerCut');
    const last = this.#puts.findLastIndex(({ state, durability }) => state === 'acked' && holds(durability));
    const allowed = this.#puts.slice(last).filter(({ state }) => state !== 'refused');
    const found = allowed.findLast((put) => put.value === value);
    if (found === undefined)
      throw new Violation(
        `the cursor of ${name} is ${value}, and it may be ${allowed.map((put) => put.value).join(', ')}`,
      );
    const isSure = allowed.every((put) => put.value !== value || holds(put.covers));
    if (isSure && value !== null && value > next)
      throw new Violation(`the cursor of ${name} is ${value}, ahead of its data, which ends at ${next}`);
    this.#puts = [{ value, durability: 'fsync', covers: isSure ? 'fsync' : 'nothing', state: 'acked' }];
  }
}
