/**
 * Who makes the load of a cell: the generator, which is a process of its own, or for a reference row the program of its client, which
 * is one too. Both are kept from cell to cell, because what has just started is slower than what is warm, and are made anew after
 * brokers were.
 */

import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { Generator } from '../generator/index.ts';
import { type MeasureCell, measureWith } from '../load/measure-cell.ts';
import { withDescendants } from '../usage/process-usage.ts';
import type { PlannedCell, PlannedWorkload } from './plan.ts';
import { closeWire } from './wires.ts';
import type { CompareOptions } from './compare-options.ts';
import { brokerPids, gatewayPids, openWire, remoteTarget, type SystemsContext } from '../systems/systems.ts';
import type { Wire } from '../systems/wire.ts';

export class LoadMakers {
  readonly #context: SystemsContext;
  readonly #options: CompareOptions;
  #generator: { readonly process: Generator; readonly dataDir: string } | null = null;
  /** Of reference rows. */
  readonly #programs = new Map<string, Wire>();

  /** Takes over the reference wires among those that are open, and closes them in the end. */
  constructor(context: SystemsContext, options: CompareOptions, wires: readonly Wire[]) {
    this.#context = context;
    this.#options = options;
    for (const wire of wires) if (wire.drive !== undefined) this.#programs.set(wire.name, wire);
  }

  /** Starts the generator ahead of its first use. */
  async begin(): Promise<void> {
    await this.#generatorNow();
  }

  /** The most that the generator does against nothing, by the size of a message. */
  async ceilings(workloads: readonly PlannedWorkload[]): Promise<Readonly<Record<string, number>>> {
    const ceilings: Record<string, number> = {};
    for (const { spec } of workloads) {
      const { process } = await this.#generatorNow();
      ceilings[String(spec.messageBytes)] ??= await process.ceiling(spec);
    }
    return ceilings;
  }

  /** What measures a cell, with its client open. */
  async forCell({ system, layer }: Pick<PlannedCell, 'system' | 'layer'>): Promise<MeasureCell> {
    const context = this.#context;
    if (layer === 'reference') {
      const wire = this.#programs.get(system) ?? (await openWire(context, system, layer));
      this.#programs.set(system, wire);
      return measureWith({ wire, pids: withDescendants(brokerPids(context, system)) });
    }
    const { process, dataDir } = await this.#generatorNow();
    const client = `${system} ${layer}`;
    if (!process.hasClient(client)) await process.open(client, await remoteTarget(context, system, layer, dataDir));
    const pids = [...brokerPids(context, system), ...(await gatewayPids(context, system, layer))];
    return process.measure(client, withDescendants(pids));
  }

  /** Ends all of them; the next cell starts what it needs. */
  async close(): Promise<void> {
    await this.#generator?.process.close();
    this.#generator = null;
    for (const wire of this.#programs.values()) await closeWire(wire, this.#options);
    this.#programs.clear();
  }

  /** One that is gone is replaced. */
  async #generatorNow() {
    if (this.#generator === null || this.#generator.process.isGone)
      this.#generator = {
        process: new Generator(),
        // The embedded log is part of it, and its data directory is its own.
        dataDir: await mkdtemp(join(this.#context.dataDir, 'generator-')),
      };
    return this.#generator;
  }
}
