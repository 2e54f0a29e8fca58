/**
 * What a run found, beside what the port claims: one finding for each capability, where the two disagree, and the table that is
 * printed. Pure: results in, text out.
 */

import {
  type Capability,
  type CapabilityLevel,
  capabilityNames,
  type CapabilityTable,
} from '../adapters/capabilities.ts';
import type { BackendInfo } from '../adapters/port.ts';
import type { ChapterResult } from './run.ts';

/** `holds`: claimed, and a chapter saw it. `refused`: unsupported, and a chapter saw that using it is refused. */
export type Found = 'holds' | 'refused' | 'untested' | 'failed';

export interface Finding {
  readonly level: CapabilityLevel;
  readonly found: Found;
}

export interface UntestedChapter {
  readonly capability: ChapterResult['capability'];
  readonly name: string;
  readonly reason: string;
}

/** A run on one target; plain data, so that it can be kept in a file. */
export interface TargetReport {
  readonly target: string;
  readonly product: string;
  readonly version: string;
  readonly findings: Readonly<Record<Capability, Finding>>;
  readonly passed: number;
  readonly failed: readonly { readonly chapter: string; readonly detail: string }[];
  readonly untested: readonly UntestedChapter[];
}

/** Claimed capabilities that cannot be tested on this target, each with the reason. */
export type KnownUntested = Partial<Readonly<Record<Capability, string>>>;

export function reportOf(
  target: string,
  info: BackendInfo,
  table: CapabilityTable,
  results: readonly ChapterResult[],
): TargetReport {
  const findings = capabilityNames.map((capability): readonly [Capability, Finding] => {
    const { level } = table[capability];
    return [capability, { level, found: foundIn(level, ofCapability(results, capability)) }];
  });
  return {
    target,
    product: info.product,
    version: info.version,
    findings: Object.fromEntries(findings) as Record<Capability, Finding>,
    passed: results.filter(({ outcome }) => outcome === 'passed').length,
    failed: results
      .filter(({ outcome }) => outcome === 'failed')
      .map(({ capability, name, detail }) => ({ chapter: `${capability}: ${name}`, detail: detail ?? '' })),
    untested: results
      .filter(({ outcome }) => outcome === 'untested')
      .map(({ capability, name, detail }) => ({ capability, name, reason: detail ?? '' })),
  };
}

/** Where the findings contradict the table, a sentence each; empty when each claim held and everything else was refused. */
export function disagreements(report: TargetReport, known: KnownUntested = {}): readonly string[] {
  return capabilityNames.flatMap((capability) => {
    const { level, found } = report.findings[capability];
    const claim = level === 'unsupported' ? 'is unsupported' : `is claimed (${level})`;
    if (found === 'failed') return [`${capability} ${claim}, but a chapter of it failed`];
    const reason = known[capability];
    if (reason !== undefined && found !== 'untested') {
      return [`${capability} is listed as untested (${reason}), but it was tested: ${found}`];
    }
    if (reason !== undefined || found !== 'untested') return [];
    const why = report.untested.filter((chapter) => chapter.capability === capability).map(({ reason: said }) => said);
    return [
      `${capability} ${claim}, but no chapter of it ran: ${why.length === 0 ? 'it was left out of the run' : why.join('; ')}`,
    ];
  });
}

/** Capability x target as a Markdown table, then what is not tested and why. */
export function renderFindings(reports: readonly TargetReport[]): string {
  const notes = notesOf(reports);
  const lines = [
    row(['capability', ...reports.map(({ target }) => target)]),
    row(['---', ...reports.map(() => ':---:')]),
    ...capabilityNames.map((capability) =>
      row([capability, ...reports.map((report) => cell(report, capability, notes))]),
    ),
    row([
      'chapters: passed, failed, not run',
      ...reports.map(({ passed, failed, untested }) => `${passed}, ${failed.length}, ${untested.length}`),
    ]),
  ];
  for (const [index, note] of notes.entries()) {
    const targets = note.targets.length === reports.length && reports.length > 1 ? 'all' : note.targets.join(', ');
    lines.push(...(index === 0 ? [''] : []), `${index + 1}. ${note.chapter} (${targets}): not run: ${note.reason}.`);
  }
  return lines.join('\n');
}

function ofCapability(results: readonly ChapterResult[], capability: Capability): readonly ChapterResult[] {
  return results.filter((result) => result.capability === capability);
}

function foundIn(level: CapabilityLevel, results: readonly ChapterResult[]): Found {
  if (results.some(({ outcome }) => outcome === 'failed')) return 'failed';
  if (!results.some(({ outcome }) => outcome === 'passed')) return 'untested';
  return level === 'unsupported' ? 'refused' : 'holds';
}

interface Note {
  readonly capability: ChapterResult['capability'];
  readonly chapter: string;
  readonly reason: string;
  readonly targets: string[];
}

/** What was not run for the same reason is said once, whatever the number of targets. */
function notesOf(reports: readonly TargetReport[]): readonly Note[] {
  const notes = new Map<string, Note>();
  for (const { target, untested } of reports) {
    for (const { capability, name, reason } of untested) {
      const chapter = `${capability}: ${name}`;
      const note = notes.get(`${chapter} ${reason}`) ?? { capability, chapter, reason, targets: [] };
      note.targets.push(target);
      notes.set(`${chapter} ${reason}`, note);
    }
  }
  return [...notes.values()];
}

const shown: Readonly<Record<Found, string>> = {
  holds: 'holds',
  refused: 'refused',
  untested: '**untested**',
  failed: '**FAILS**',
};

function cell(report: TargetReport, capability: Capability, notes: readonly Note[]): string {
  const numbers = notes.flatMap((note, index) =>
    note.capability === capability && note.targets.includes(report.target) ? [index + 1] : [],
  );
  return shown[report.findings[capability].found] + (numbers.length === 0 ? '' : ` (${numbers.join(', ')})`);
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
