/**
 * Between what the broker sent ahead and what the port has granted: holds deliveries back until there is credit, in messages
 * and bytes. RabbitMQ knows credit in messages only, and by consumer; the grant is over all consumers of an intake.
 */

import type { DriverDelivery, IntakeCredit, IntakeSink } from '../driver.ts';
import { Fifo } from '../ready-queue.ts';

export class CreditGate<D extends DriverDelivery> {
  readonly #sink: IntakeSink;
  readonly #onHandedOut: ((delivery: D) => void) | undefined;
  readonly #out = new Set<D>();
  #held = new Fifo<D>();
  #outBytes = 0;
  #heldBytes = 0;
  #credit: IntakeCredit;
  #isPumping = false;

  /** @param onHandedOut called before the port gets it. */
  constructor(sink: IntakeSink, credit: IntakeCredit, onHandedOut?: (delivery: D) => void) {
    this.#sink = sink;
    this.#onHandedOut = onHandedOut;
    this.#credit = credit;
  }

  /** Arrived and not settled, handed out or not. */
  get count(): number {
    return this.#out.size + this.#held.length;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  get bytes(): number {
    return this.#outBytes + this.#heldBytes;
  }

  /** Out and held. */
  all(): D[] {
    const held = this.takeHeld(0);
    for (const delivery of held) this.#hold(this.#held, delivery);
    return [...this.#out, ...held];
  }

  grant(credit: IntakeCredit): void {
    this.#credit = credit;
    this.#pump();
  }

  arrived(delivery: D): void {
    this.#hold(this.#held, delivery);
    this.#pump();
  }

  /** False when it was not out: settled before, or lost. */
  settle(delivery: D): boolean {
    if (!this.#out.delete(delivery)) return false;
    this.#outBytes -= delivery.bytes;
    this.#pump();
    return true;
  }

  /** Takes back the held ones beyond `keep`, the newest. */
  takeHeld(keep: number): D[] {
    const kept = new Fifo<D>();
    const taken: D[] = [];
    this.#heldBytes = 0;
    for (let each = this.#held.shift(); each !== undefined; each = this.#held.shift()) {
      if (kept.length < keep) this.#hold(kept, each);
      else taken.push(each);
    }
    this.#held = kept;
    return taken;
  }

  /** Those for which `isLost` holds can no longer be settled: held ones vanish, the others are told. */
  lose(isLost: (delivery: D) => boolean = () => true): void {
    for (const each of this.takeHeld(0)) {
      if (!isLost(each)) this.#hold(this.#held, each);
    }
    const lost = [...this.#out].filter(isLost);
    for (const delivery of lost) {
      this.#out.delete(delivery);
      this.#outBytes -= delivery.bytes;
    }
    if (lost.length > 0) this.#sink.lost(lost);
    this.#pump();
  }

  #hold(line: Fifo<D>, delivery: D): void {
    line.push(delivery);
    this.#heldBytes += delivery.bytes;
  }

  /** A message larger than all credit in bytes still goes out, alone. */
  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    for (let next = this.#held.first(); next !== undefined; next = this.#held.first()) {
      if (this.#out.size >= this.#credit.messages) break;
      if (this.#out.size > 0 && this.#outBytes + next.bytes > this.#credit.bytes) break;
      this.#held.shift();
      this.#heldBytes -= next.bytes;
      this.#out.add(next);
      this.#outBytes += next.bytes;
      this.#onHandedOut?.(next);
      this.#sink.deliver(next);
    }
    this.#isPumping = false;
  }
}
