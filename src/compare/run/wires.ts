/** The wires of a run, one for each system on each layer: opened as far as they can be had, closed once. */

import type { CompareOptions } from './compare-options.ts';
import type { Layer, Report } from '../report/model.ts';
import { namesOfRun } from './plan.ts';
import { openWire, SystemMissing, type SystemsContext } from '../systems/systems.ts';
import { wantedScenarios } from './wanted-scenarios.ts';
import type { Wire } from '../systems/wire.ts';

const closeDeadlineMs = 15_000;

/** Opens every wire that can be had into `wires`; resolves with what cannot. */
export async function openWires(
  context: SystemsContext,
  options: CompareOptions,
  wires: Wire[],
): Promise<Report['notMeasured']> {
  const missing: { id: string; system: string; layer: Layer; reason: string }[] = [];
  for (const layer of options.layers.filter((one) => isUsed(one, options)))
    for (const system of namesOfRun(options, layer)) {
      try {
        wires.push(await openWire(context, system, layer));
      } catch (reason) {
        // Without Java there are no reference rows, and the comparison is none the worse for it.
        const isRequired = options.systemsAreRequired && layer !== 'reference' && options.systems.includes(system);
        if (!(reason instanceof SystemMissing) || isRequired) throw reason;
        missing.push({ id: 'all', system, layer, reason: reason.message });
        options.onProgress(`left out: ${system} (${layer}): ${reason.message}`);
      }
    }
  const isOnlyChecked = options.checksAgreement === true && missing.length === 0;
  if (wires.length === 0 && !isOnlyChecked) throw new SystemMissing('none of the systems can be had');
  return missing;
}

/** A gateway that nothing would be asked of is not started. */
function isUsed(layer: Layer, options: CompareOptions): boolean {
  return (
    options.workloads.some(({ spec }) => spec.layers.includes(layer)) ||
    wantedScenarios(options).some((scenario) => scenario.layers.includes(layer))
  );
}

const closedWires = new WeakSet<Wire>();

/** Those that are not closed yet: before scenarios with faults all are, and at the end again. */
export async function closeAll(wires: readonly Wire[], options: CompareOptions): Promise<void> {
  for (const wire of wires) await closeWire(wire, options);
}

/** Once, whoever asks. */
export async function closeWire(wire: Wire, options: CompareOptions): Promise<void> {
  if (closedWires.has(wire)) return;
  closedWires.add(wire);
  await closing(wire.close(), `${wire.name} ${wire.layer}`, options);
}

/** A client that does not close must not keep the report from being written. */
async function closing(work: Promise<void>, what: string, { onProgress }: CompareOptions): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      onProgress(`${what} did not close within ${closeDeadlineMs} ms`);
      resolve();
    }, closeDeadlineMs);
  });
  const told = work.catch((reason: unknown) => onProgress(`${what} did not close: ${String(reason)}`));
  await Promise.race([told, late]);
  clearTimeout(timer);
}
