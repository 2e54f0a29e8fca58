/** Who did what, kept in the embedded log: `sluice/log` alone, in the process, on the disk before the caller goes on. */

import { openEngine } from 'sluice/log';

type Engine = Awaited<ReturnType<typeof openEngine>>;

export interface AuditEntry {
  readonly who: string;
  readonly did: string;
  /** Where it stands: entries are numbered from 0, without gaps. */
  readonly number: number;
}

const topic = 'audit';

export class AuditLog implements AsyncDisposable {
  readonly #engine: Engine;

  private constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Makes the directory, or finds what is in it. One process at a time. */
  static async open(dataDir: string): Promise<AuditLog> {
    const engine = await openEngine({ dataDir });
    if (!engine.topics().some(({ name }) => name === topic)) await engine.createTopic(topic, { partitions: 1 });
    return new AuditLog(engine);
  }

  /** Resolves with its number when it is on the disk. */
  async write(who: string, did: string): Promise<number> {
    const record = { key: Buffer.from(who), value: Buffer.from(did) };
    const { baseOffset } = await this.#engine.append(topic, 0, [record], { durability: 'fsync' });
    return baseOffset;
  }

  /** All of it, oldest first, as it is now. */
  async *entries(from = 0): AsyncGenerator<AuditEntry> {
    for await (const { key, value, offset } of this.#engine.read(topic, 0, { from, follow: false }))
      yield { who: key?.toString() ?? '', did: value?.toString() ?? '', number: offset };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine.close();
  }
}
