/** What a rate was limited by, decided from CPU shares, the rate that was offered and what the generator can do alone. Pure. */

import type { LimitedBy, WorkloadMode, WorkloadRow } from '../report/model.ts';

/** Above it a single-threaded process has no more to give, if it really had a core for it (a loop that waits for one is not the limit). */
const eventLoopFull = 0.9;
const clientFullCores = 0.8;
/** Of one core: the queue process or the network thread of a broker has no more; the machine's cores are shared. */
const brokerFullCores = 0.8;
/** Of all cores: broker and client together leave nothing, and neither alone is what is full. */
const machineFull = 0.9;
/** Of the generator's own maximum against nothing. */
const generatorFull = 0.7;
/** The bare client must be this much faster before the port is called the limit. */
const portFactor = 1.25;

export interface LimitEvidence {
  readonly mode: WorkloadMode;
  readonly messagesPerSecond: number;
  readonly generatorCeiling: number | null;
  readonly eventLoop: number;
  readonly clientCores: number;
  readonly brokerCores: number | null;
  /** That broker and client share. */
  readonly machineCores: number;
}

export function limitedBy(evidence: LimitEvidence): LimitedBy {
  if (evidence.mode !== 'own-maximum') return 'offered-load';
  const { generatorCeiling, messagesPerSecond } = evidence;
  if (generatorCeiling !== null && messagesPerSecond > generatorCeiling * generatorFull) return 'generator';
  if (evidence.eventLoop >= eventLoopFull && evidence.clientCores >= clientFullCores) return 'client';
  const { brokerCores, clientCores, machineCores } = evidence;
  if (brokerCores !== null && brokerCores >= brokerFullCores) return 'broker';
  if (brokerCores !== null && brokerCores + clientCores >= machineCores * machineFull) return 'machine';
  // Neither is busy: what is waited for (disk, confirm) is the broker's. Embedded, the engine is the broker.
  return 'broker';
}

/**
 * With the rows of the layer below beside them: a client-bound row of the port whose bare sibling is clearly faster is bound by the
 * port, and an own maximum through a gateway whose sibling of the port is clearly faster by the gateway, whoever of it was busy.
 */
export function blameLayer(rows: readonly WorkloadRow[]): readonly WorkloadRow[] {
  return rows.map((row) => {
    if (row.layer === 'rest' || row.layer === 'grpc') return blameGateway(row, rows);
    if (row.layer !== 'port' || row.limitedBy !== 'client') return row;
    const best = bestOf('bare', row, rows);
    return best > row.publish.messagesPerSecond * portFactor ? { ...row, limitedBy: 'port' as const } : row;
  });
}

function blameGateway(row: WorkloadRow, rows: readonly WorkloadRow[]): WorkloadRow {
  if (row.mode !== 'own-maximum' || row.limitedBy === 'generator') return row;
  const isSlower = bestOf('port', row, rows) > row.publish.messagesPerSecond * portFactor;
  return isSlower ? { ...row, limitedBy: 'gateway' } : row;
}

/** The most of the valid runs of the same cell on that layer. */
function bestOf(layer: WorkloadRow['layer'], { id, system, mode }: WorkloadRow, rows: readonly WorkloadRow[]): number {
  const same = rows.filter(
    (other) =>
      other.layer === layer && other.id === id && other.system === system && other.mode === mode && other.valid,
  );
  return Math.max(0, ...same.map((other) => other.publish.messagesPerSecond));
}
