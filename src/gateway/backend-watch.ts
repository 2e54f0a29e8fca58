/**
 * Looks after the backend for those who hold a stream: they ask for nothing by which they could notice that it is away. Each is told
 * once when it goes and once when it is back; the stream itself stays, and goes on by itself.
 */

import type { Health, MessagingPort } from '../adapters/index.ts';
import type { Caller } from './access/caller.ts';
import { gatewayLimits } from './limits.ts';
import type { OpenStreams } from './open-streams.ts';

interface WatchLog {
  warn(fields: object, text: string): void;
  info(fields: object, text: string): void;
}

export class BackendWatch {
  readonly #port: MessagingPort;
  readonly #streams: OpenStreams;
  readonly #log: WatchLog;
  readonly #timer: NodeJS.Timeout;
  #isLooking = false;
  #told: Health = { ok: true, detail: '' };

  constructor(port: MessagingPort, streams: OpenStreams, log: WatchLog) {
    this.#log = log;
    this.#port = port;
    this.#streams = streams;
    this.#timer = setInterval(() => void this.#look(), gatewayLimits.backendWatchMs);
    this.#timer.unref();
  }

  /** What streams were told last; for one that opens while the backend is away. */
  get trouble(): Health | undefined {
    return this.#told.ok ? undefined : this.#told;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#isLooking || (!this.#streams.areThereListeners && this.#told.ok)) return;
    this.#isLooking = true;
    const health = await healthOf(this.#port);
    this.#isLooking = false;
    if (health.ok === this.#told.ok) return;
    this.#told = health;
    if (health.ok) this.#log.info({}, 'the backend is back');
    else this.#log.warn({ detail: health.detail }, 'the backend is away');
    this.#streams.tell(health);
  }
}

/**
 * What is wrong may name files, addresses, and topics of others: whoever may do everything is told, and so is the log. Everybody else
 * learns whether it is well.
 */
export function toldTo(caller: Caller | undefined, health: Health): Health {
  if (caller?.scopes.isAdmin === true) return health;
  return { ...health, detail: health.ok ? 'the backend is well' : 'the backend is not well' };
}

/** The health of the backend within the time of a probe: silence is said to be one. */
export async function healthOf(port: MessagingPort): Promise<Health> {
  let timer: NodeJS.Timeout | undefined;
  const late: Promise<Health> = new Promise((resolve) => {
    const { healthTimeoutMs } = gatewayLimits;
    timer = setTimeout(
      () => resolve({ ok: false, detail: `${port.info.product} did not answer within ${healthTimeoutMs} ms` }),
      healthTimeoutMs,
    );
  });
  try {
    return await Promise.race([port.health(), late]);
  } finally {
    clearTimeout(timer);
  }
}
