/**
 * The sessions of a port: one for each subscription that is consumed here, opened with its first consumer and kept as its definition is.
 * What opens, moves or ends the session of a subscription happens one after the other.
 */

import type { AckTokens } from './ack-tokens.ts';
import type { PortClock } from './clock.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { Definitions } from './definitions.ts';
import type { Driver } from './driver.ts';
import { PortError } from './errors.ts';
import type { Credit, SubscriptionDefinition } from './port.ts';
import { type SessionEvent, SubscriptionSession } from './session.ts';
import type { TokenSecrets } from './token-secrets.ts';
import type { PortTracing } from './tracing.ts';

export interface OpenSessionsOptions {
  readonly driver: Driver;
  readonly clock: PortClock;
  readonly definitions: Definitions;
  readonly tracing: PortTracing;
  readonly tokens: AckTokens;
  readonly secrets: TokenSecrets;
  readonly deadLetters: DeadLetters;
  readonly event: (event: SessionEvent, subscription: SubscriptionDefinition) => void;
}

export class OpenSessions {
  readonly #options: OpenSessionsOptions;
  readonly #definitions: Definitions;
  readonly #sessions = new Map<string, SubscriptionSession>();
  readonly #opening = new Map<string, Promise<SubscriptionSession>>();
  /** By subscription: the last of what opens, moves or ends its session. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(options: OpenSessionsOptions) {
    this.#options = options;
    this.#definitions = options.definitions;
  }

  /** Also one that is closing. */
  get(name: string): SubscriptionSession | undefined {
    return this.#sessions.get(name);
  }

  all(): readonly SubscriptionSession[] {
    return [...this.#sessions.values()];
  }

  /** The one that is open, or a new one. It may be closing again when this resolves: its last consumer may just have left. */
  async opened(name: string, credit: Required<Credit>): Promise<SubscriptionSession> {
    const existing = this.#sessions.get(name);
    if (existing !== undefined && !existing.isClosing) return existing;
    // How it ended was told to those that it had.
    if (existing !== undefined) await existing.close().catch(() => undefined);
    let opening = this.#opening.get(name);
    if (opening === undefined) {
      opening = this.inTurn(name, async () => await this.#open(name, credit)).finally(() => this.#opening.delete(name));
      this.#opening.set(name, opening);
    }
    return await opening;
  }

  async #open(name: string, credit: Required<Credit>): Promise<SubscriptionSession> {
    const definition = await this.#definitions.subscription(name);
    const topic = await this.#definitions.topic(definition.topic);
    const { driver, clock, tracing, tokens, secrets, deadLetters, event } = this.#options;
    const session = new SubscriptionSession({
      driver,
      clock,
      definition,
      topic,
      tracing,
      signer: tokens.session(name, secrets.epochOf(name)),
      hooks: {
        storeDeadLetter: async (subscription, letter) => await deadLetters.store(subscription, letter),
        event,
        closed: (closed) => {
          if (this.#sessions.get(name) === closed) this.#sessions.delete(name);
        },
      },
    });
    await session.open(credit);
    this.#sessions.set(name, session);
    // Deleted by another process while it was opened: the news found no session to end.
    if ((await this.#definitions.findSubscription(name)) === undefined) await this.end(name);
    return session;
  }

  /**
   * One after the other for a subscription: opening, moving and ending. A pull that opens while a seek moves the cursor would read on
   * from the old place and write it back; two seeks would leave two intakes, of which nobody ever closes one.
   */
  async inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(name) ?? Promise.resolve();
    const turn = before.then(work);
    const settled = turn.catch(() => undefined);
    this.#turns.set(name, settled);
    void settled.then(() => {
      if (this.#turns.get(name) === settled) this.#turns.delete(name);
    });
    return await turn;
  }

  /** A definition that changed or went away in another process does so for the sessions here too. */
  definitionChanged(kind: 'topic' | 'subscription', name: string): void {
    if (kind === 'topic') {
      // One that is gone has taken its subscriptions with it, of which there is news of their own.
      for (const session of this.of(name)) void this.renew(session).catch(() => undefined); // read anew by the next change
      return;
    }
    const session = this.#sessions.get(name);
    if (session === undefined) return;
    void this.#definitions.findSubscription(name).then(
      async (definition) => {
        if (definition === undefined) await this.end(name);
        else await this.renew(session);
      },
      () => undefined, // not known now: the intake notices by itself
    );
  }

  /** Of all subscriptions of a topic. */
  of(topic: string): readonly SubscriptionSession[] {
    return [...this.#sessions.values()].filter((session) => session.topic.name === topic);
  }

  /** The session goes on with the definitions as they are now. One whose intake cannot be opened again ends, and says why. */
  async renew(session: SubscriptionSession): Promise<void> {
    const { name } = session.definition;
    await this.inTurn(name, async () => {
      const definition = await this.#definitions.findSubscription(name);
      const topic = this.#definitions.knownTopic(session.topic.name);
      if (definition === undefined || topic === undefined || session.isClosing) return;
      // Changed is changed: a session that cannot go on with it has told its consumers so.
      await session.use(definition, topic).catch(() => undefined);
    });
  }

  /** Its subscription was deleted: who waits is told so. */
  async end(name: string): Promise<void> {
    const session = this.#sessions.get(name);
    this.#sessions.delete(name);
    // Where it stood goes with it, whether that could still be written or not.
    await session
      ?.endWith(new PortError('subscription_not_found', `subscription "${name}" was deleted`))
      .catch(() => undefined);
  }
}
