/** The bytes of what is arriving or being worked on, by all doors together, and how many of them one principal may hold. */

import { PortError } from '../adapters/index.ts';
import { gatewayLimits } from './limits.ts';

/** What one request or stream holds. */
export interface Hold {
  /** Changes how much that is; less is always granted. @returns whether there is room. */
  set(bytes: number): boolean;
}

export class ByteBudget {
  readonly #max: number;
  #held = 0;
  readonly #ofOwner = new Map<string, number>();

  constructor(max: number = gatewayLimits.bodyBytesInFlightMax) {
    this.#max = max;
  }

  get heldBytes(): number {
    return this.#held;
  }

  /**
   * Holds nothing yet, and must be set to 0 at its end.
   * @param owner the principal, where there are several; each may hold a half, so that none can shut out the others.
   */
  hold(owner?: string): Hold {
    let own = 0;
    return {
      set: (bytes) => {
        const more = bytes - own;
        if (more > 0 && !this.#hasRoom(more, owner)) return false;
        own = bytes;
        this.#held += more;
        if (owner !== undefined) this.#note(owner, more);
        return true;
      },
    };
  }

  /** One that is larger than all there is goes alone. */
  #hasRoom(more: number, owner: string | undefined): boolean {
    if (this.#held > 0 && this.#held + more > this.#max) return false;
    const ofOwner = owner === undefined ? 0 : (this.#ofOwner.get(owner) ?? 0);
    return ofOwner === 0 || ofOwner + more <= this.#max * gatewayLimits.principalShare;
  }

  #note(owner: string, more: number): void {
    const bytes = (this.#ofOwner.get(owner) ?? 0) + more;
    if (bytes === 0) this.#ofOwner.delete(owner);
    else this.#ofOwner.set(owner, bytes);
  }
}

export function overloaded(budget: ByteBudget): PortError {
  return new PortError('overloaded', `requests of ${budget.heldBytes} bytes are being worked on`, {
    retryAfterMs: 1_000,
  });
}
