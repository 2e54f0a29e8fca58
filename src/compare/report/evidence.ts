/** Names of cells: what a claim cites, and the anchor on the page to which the citation leads. */

import type { Layer, Report, SystemId } from './model.ts';

interface Cell {
  readonly id: string;
  readonly system: SystemId;
  readonly layer: Layer;
}

export function scenarioEvidenceId(row: Cell): string {
  return `${row.id}.${row.system}.${row.layer}`;
}

/** One id for all modes, parameters and repeats of a workload on a system and layer. */
export function workloadEvidenceId(row: Cell): string {
  return `${row.id}.${row.system}.${row.layer}`;
}

/** A scenario and a workload may share an id (`fan-out`), so their anchors differ in the first letter. */
export function scenarioAnchor(row: Cell): string {
  return `s-${anchorText(scenarioEvidenceId(row))}`;
}

export function workloadAnchor(row: Cell): string {
  return `w-${anchorText(workloadEvidenceId(row))}`;
}

/** By place, since nothing forbids that two claims have one id. */
export function claimAnchor(index: number): string {
  return `claim-${index + 1}`;
}

/** Of the part that has all rows of a scenario, by its place in the report. */
export function scenarioPartAnchor(index: number): string {
  return `scenario-${index + 1}`;
}

export function capabilityAnchor(name: string): string {
  return `cap-${anchorText(name)}`;
}

export interface Citation {
  readonly anchor: string;
  readonly kind: 'scenario' | 'workload';
}

/** Where each cited id stands on the page: a scenario, a workload, or both. Ids that are not in the report have no entry. */
export function citations(report: Report): ReadonlyMap<string, readonly Citation[]> {
  const found = new Map<string, Citation[]>();
  const add = (id: string, citation: Citation): void => {
    const list = found.get(id) ?? [];
    if (!list.some((known) => known.anchor === citation.anchor)) found.set(id, [...list, citation]);
  };
  for (const row of report.scenarios) add(scenarioEvidenceId(row), { anchor: scenarioAnchor(row), kind: 'scenario' });
  for (const row of report.workloads) add(workloadEvidenceId(row), { anchor: workloadAnchor(row), kind: 'workload' });
  return found;
}

/** Letters, digits, `.` and `-` stay; all else becomes `_` and its code, so that different ids have different anchors. */
function anchorText(id: string): string {
  return Array.from(id, (character) =>
    /[A-Za-z0-9.-]/.test(character) ? character : `_${character.codePointAt(0)?.toString(16)}_`,
  ).join('');
}
