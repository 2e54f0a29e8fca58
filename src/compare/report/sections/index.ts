/** The report from its first sentence to its last. */

import { code, name, quiet, type ReportDocument } from '../document.ts';
import { plural, seconds } from '../figures.ts';
import { countedArabic, joinedNames, nouns, type Said, say } from '../language.ts';
import type { Report } from '../model.ts';
import { baseSystem, orderedSystems } from '../view.ts';
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
import { settingsSection } from './settings.ts';
import { surprisesSection } from './surprises.ts';
import { usesSections } from './uses.ts';
import { verdictSection } from './verdict.ts';

export function reportDocument(report: Report): ReportDocument {
  const { run, environment } = report;
  return {
    title: titleOf(report),
    byline: [
      [
        name(run.startedAt.slice(0, 10)),
        quiet(say(` in ${seconds(run.durationMs)}`, ` خلال ${seconds(run.durationMs)}`)),
      ],
      [
        say(`${run.profile} profile`, `المقاس ${run.profile}`),
        quiet(
          say(
            `, ${run.repeats} ${plural(run.repeats, 'repeat')}, seed ${run.seed}`,
            `، ${countedArabic(run.repeats, nouns.repeat)}، البذرة ${run.seed}`,
          ),
        ),
      ],
      [
        name(environment.cpu.model),
        quiet(
          say(
            `, ${environment.cpu.cores} ${plural(environment.cpu.cores, 'core')}, one host`,
            `، ${countedArabic(environment.cpu.cores, nouns.core)}، جهاز واحد`,
          ),
        ),
      ],
      [quiet(say('run ', 'التشغيل ')), code(run.id)],
    ],
    sections: [
      verdictSection(report),
      ...usesSections(report),
      matrixSection(report),
      surprisesSection(report),
      equalLoadSection(report),
      sustainableSection(report),
      ownMaximumSection(report),
      ...settingsSection(report),
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

function titleOf(report: Report): Said {
  const brokers = orderedSystems(report).filter((system) => baseSystem(system.id) !== 'log');
  const names = [...new Set(brokers.map(({ product, version }) => `${product} ${version}`))];
  if (names.length === 0) return say('The embedded log, measured', 'السجل المضمّن بالقياس');
  const { en, ar } = joinedNames(names);
  return say(`${en}, compared`, `مقارنة بين ${ar}`);
}
