/** Keeps something attached to a broker that comes and goes: at every new connection, and after failures with growing delays. */

import type { PortError } from '../errors.ts';
import { bounds } from './bounds.ts';
import type { SupervisedConnection } from './connection.ts';

interface ReattacherOptions {
  readonly connection: SupervisedConnection;
  /**
   * One try. Undefined: attached, or attached already, or no connection (the next one calls again). `subscription_not_found`
   * is final; any other error is tried again.
   */
  readonly attach: () => Promise<PortError | undefined>;
  readonly gone: (error: PortError) => void;
}

export class Reattacher {
  readonly #options: ReattacherOptions;
  #stopListening: () => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #isAttaching = false;
  #isListening = false;
  #isStopped = false;

  constructor(options: ReattacherOptions) {
    this.#options = options;
  }

  /** The first attach. @throws what it failed with: whoever opens something wants to know. */
  async start(): Promise<void> {
    await this.#options.connection.whenOpen();
    this.#isAttaching = true;
    const failure = await this.#options.attach();
    this.#isAttaching = false;
    if (failure !== undefined) throw failure;
    // Attaching is a no-op while attached: being told at once of the present connection does no harm.
    this.#stopListening = this.#options.connection.listen({ up: () => this.soon(0) });
  }

  /** The first attach, for what may as well come later: a failure is tried again. Once started, one more try now. */
  async startOrLater(): Promise<void> {
    if (!this.#isListening) {
      this.#isListening = true;
      this.#stopListening = this.#options.connection.listen({ up: () => this.soon(0) });
    }
    clearTimeout(this.#timer);
    await this.#again();
  }

  soon(delayMs: number = bounds.resubscribeMinMs): void {
    if (this.#isStopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#again(), delayMs);
  }

  stop(): void {
    this.#isStopped = true;
    this.#stopListening();
    clearTimeout(this.#timer);
  }

  async #again(): Promise<void> {
    if (this.#isAttaching) {
      this.soon();
      return;
    }
    this.#isAttaching = true;
    const failure = await this.#options.attach();
    this.#isAttaching = false;
    if (this.#isStopped) return;
    if (failure === undefined) {
      this.#failures = 0;
    } else if (failure.code === 'subscription_not_found') {
      this.#options.gone(failure);
    } else {
      this.#failures += 1;
      this.soon(Math.min(bounds.resubscribeMaxMs, bounds.resubscribeMinMs * 2 ** Math.min(this.#failures, 10)));
    }
  }
}
