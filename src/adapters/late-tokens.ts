/**
 * What a token is answered that names no lease of this process: late, repeated, of a process that was here before, of another
 * gateway, or of nobody.
 *
 * On a log the message is still there under its offset, so an acknowledgement that outlived its process counts, as long as its time
 * is not over and nobody was handed the message since. Where messages have no offsets the lease died with the connection that it
 * was on, and the message comes again.
 */

import type { AckToken, AckTokens } from './ack-tokens.ts';
import { fingerprint } from './ack-tokens.ts';
import type { PortClock } from './clock.ts';
import type { Driver, PositionState } from './driver.ts';
import type { SettleStatus, SubscriptionDefinition, TokenResult, TopicDefinition } from './port.ts';
import type { SubscriptionSession } from './session.ts';
import type { TokenSecrets } from './token-secrets.ts';

/**
 * `held`: somebody was handed it since. `gone`: the message is not there any more, or the subscription was moved or made again.
 * `none`: the backend has no positions, or nothing may be kept on it that would make them safe.
 */
export type TokenPosition = PositionState | 'held' | 'gone' | 'none';

interface Rule {
  readonly position: TokenPosition | 'any';
  /** Who handed it out: this process, this gateway before a restart (or one without a name), or another gateway. */
  readonly from: 'here' | 'before' | 'other' | 'any';
  readonly time: 'left' | 'over' | 'any';
  readonly call: 'ack' | 'any';
  readonly answer: SettleStatus;
}

/** The first one that fits. */
export const lateTokenRules: readonly Rule[] = [
  { position: 'settled', from: 'any', time: 'any', call: 'any', answer: 'already' },
  // It was told when the lease ended: its consumer was closed.
  { position: 'any', from: 'here', time: 'any', call: 'any', answer: 'expired' },
  { position: 'any', from: 'any', time: 'over', call: 'any', answer: 'expired' },
  { position: 'free', from: 'any', time: 'any', call: 'ack', answer: 'ok' },
  // Anything but an ack: the message comes again by itself, and counts as what it is then.
  { position: 'free', from: 'any', time: 'any', call: 'any', answer: 'expired' },
  { position: 'held', from: 'any', time: 'any', call: 'any', answer: 'expired' },
  { position: 'gone', from: 'any', time: 'any', call: 'any', answer: 'expired' },
  { position: 'elsewhere', from: 'other', time: 'any', call: 'any', answer: 'elsewhere' },
  // Its own connection died with the process; on Kafka the group notices that after a while, and the next try may find it free.
  { position: 'elsewhere', from: 'before', time: 'any', call: 'any', answer: 'elsewhere' },
  { position: 'none', from: 'other', time: 'any', call: 'any', answer: 'elsewhere' },
  { position: 'none', from: 'before', time: 'any', call: 'any', answer: 'expired' },
];

export function lateStatus(asked: {
  readonly position: TokenPosition;
  readonly from: 'here' | 'before' | 'other';
  readonly time: 'left' | 'over';
  readonly call: 'ack' | 'other';
}): SettleStatus {
  const rule = lateTokenRules.find(
    ({ position, from, time, call }) =>
      (position === 'any' || position === asked.position) &&
      (from === 'any' || from === asked.from) &&
      (time === 'any' || time === asked.time) &&
      (call === 'any' || call === asked.call),
  );
  return rule?.answer ?? 'expired';
}

/** The subscription that was asked, and this process's session of it, if it has one. */
export interface LateTokenPlace {
  readonly definition: SubscriptionDefinition;
  readonly topic: TopicDefinition;
  readonly session: SubscriptionSession | undefined;
}

export class LateTokens {
  readonly #driver: Driver;
  readonly #tokens: AckTokens;
  readonly #secrets: TokenSecrets;
  readonly #clock: PortClock;
  readonly #gateway: string;

  constructor(parts: {
    readonly driver: Driver;
    readonly tokens: AckTokens;
    readonly secrets: TokenSecrets;
    readonly clock: PortClock;
    /** The name of this gateway; may be empty. */
    readonly gateway: string;
  }) {
    this.#driver = parts.driver;
    this.#tokens = parts.tokens;
    this.#secrets = parts.secrets;
    this.#clock = parts.clock;
    this.#gateway = parts.gateway;
  }

  /** Resolves when what it answers holds: with `ok` the message is settled as well as by any other acknowledgement. */
  async settle(token: string, isAck: boolean, place: LateTokenPlace): Promise<TokenResult> {
    const read = this.#tokens.read(token, place.definition.name);
    if (read === undefined) return { token, status: 'invalid' };
    if (read.isOfThisProcess && read.session === place.session?.number) {
      // Its lease is not among those that run, nor among those that ran out: so it was settled. Who asks again may not have been told so.
      await place.session.settledIsWritten();
      return { token, status: 'already' };
    }
    const from = this.#from(read);
    const time = this.#clock.nowMs() >= read.expiresAtMs ? 'over' : 'left';
    const call = isAck ? 'ack' : 'other';
    const honours = lateStatus({ position: 'free', from, time, call }) === 'ok';
    const status = lateStatus({ position: await this.#position(read, honours, place), from, time, call });
    const isNamed = status === 'elsewhere' && read.gateway !== '';
    return isNamed ? { token, status, gateway: read.gateway } : { token, status };
  }

  #from({ isOfThisProcess, gateway }: AckToken): 'here' | 'before' | 'other' {
    if (isOfThisProcess) return 'here';
    return gateway === '' || gateway === this.#gateway ? 'before' : 'other';
  }

  /** Settles it if it is free and that is wanted. */
  async #position(read: AckToken, settles: boolean, place: LateTokenPlace): Promise<TokenPosition> {
    const { definition, topic, session } = place;
    const { partition, offset } = read;
    if (offset === null || this.#driver.settlePosition === undefined || !this.#secrets.isShared) return 'none';
    if (read.epoch !== this.#secrets.epochOf(definition.name) || partition >= topic.partitions) return 'gone';
    const look = async (andSettle: boolean): Promise<TokenPosition> =>
      session === undefined
        ? ((await this.#driver.settlePosition?.(definition, topic, partition, offset, andSettle)) ?? 'none')
        : await session.lookAt(read, partition, offset, andSettle);
    const found = await look(false);
    if (found !== 'free' || !settles) return found;
    if (!(await this.#isStillThere(topic, partition, offset, read))) return 'gone';
    return await look(true);
  }

  /** Not another message, that got the offset after the end of the log was lost. */
  async #isStillThere(topic: TopicDefinition, partition: number, offset: number, read: AckToken): Promise<boolean> {
    try {
      const [message] = (await this.#driver.read(topic, partition, offset, 1)).messages;
      return message?.offset === offset && fingerprint(message) === read.fingerprint;
    } catch {
      return false; // not to be read: then nothing is known that an acknowledgement could stand on
    }
  }
}
