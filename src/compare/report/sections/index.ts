/** The report from its first sentence to its last. */

import { code, quiet, type ReportDocument } from '../document.ts';
import { plural, seconds } from '../figures.ts';
import type { Report } from '../model.ts';
import { baseSystem, joined, orderedSystems } from '../view.ts';
import { agreementSection } from './agreement.ts';
import { costSection } from './cost.ts';
import { detailsSection } from './details.ts';
import { environmentSection } from './environment.ts';
import { equalLoadSection } from './equal-load.ts';
import { faultsSection } from './faults.ts';
import { limitsSection } from './limits.ts';
import { matrixSection } from './matrix.ts';
import { ownMaximumSection } from './own-maximum.ts';
import { reproduceSection } from './reproduce.ts';
import { sustainableSection } from './sustainable.ts';
import { surprisesSection } from './surprises.ts';
import { usesSections } from './uses.ts';
import { verdictSection } from './verdict.ts';

export function reportDocument(report: Report): ReportDocument {
  const { run, environment } = report;
  return {
    title: titleOf(report),
    byline: [
      [run.startedAt.slice(0, 10), quiet(` in ${seconds(run.durationMs)}`)],
      [`${run.profile} profile`, quiet(`, ${run.repeats} ${plural(run.repeats, 'repeat')}, seed ${run.seed}`)],
      [environment.cpu.model, quiet(`, ${environment.cpu.cores} ${plural(environment.cpu.cores, 'core')}, one host`)],
      [quiet('run '), code(run.id)],
    ],
    sections: [
      verdictSection(report),
      ...usesSections(report),
      matrixSection(report),
      surprisesSection(report),
      equalLoadSection(report),
      sustainableSection(report),
      ownMaximumSection(report),
      costSection(report),
      faultsSection(report),
      detailsSection(report),
      environmentSection(report),
      limitsSection(report),
      ...agreementSection(report),
      reproduceSection(report),
    ],
  };
}

function titleOf(report: Report): string {
  const brokers = orderedSystems(report).filter((system) => baseSystem(system.id) !== 'log');
  const names = [...new Set(brokers.map(({ product, version }) => `${product} ${version}`))];
  return names.length === 0 ? 'The embedded log, measured' : `${joined(names)}, compared`;
}
