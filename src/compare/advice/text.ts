/** The advice as a person reads it in a terminal. Pure. */

import type { Advice, Fit } from './decide.ts';

const marks: Readonly<Record<Fit, string>> = {
  yes: 'yes',
  emulated: 'emulated',
  behind: 'behind',
  no: 'NO',
  unknown: '?',
};

/** The answer first, then each need with what every system showed, then what would change it. */
export function adviceText(advice: Advice): string {
  const { report, needs, findings } = advice;
  const ranking = advice.ranking.map(({ system }) => system);
  const width = Math.max(...ranking.map((system) => system.length), 0);
  return [
    advice.answer,
    '',
    ...needs.flatMap(({ need, wouldChange }) => [
      `${need}:`,
      ...ranking.flatMap((system) =>
        findings
          .filter((finding) => finding.need === need && finding.system === system)
          .map(
            ({ fit, basis, reason, cites }) =>
              `  ${system.padEnd(width)}  ${marks[fit].padEnd(8)}  ${basis}: ${reason}${cites.length === 0 ? '' : ` [${cites.join(', ')}]`}`,
          ),
      ),
      `  would change with ${wouldChange}`,
      '',
    ]),
    `from run ${report.id} of ${report.startedAt} (${report.profile}; ${report.machine})`,
    ...advice.notes.map((note) => `note: ${note}`),
    '',
  ].join('\n');
}
