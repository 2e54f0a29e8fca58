/** Two reports beside each other: `sluice compare OLD.json NEW.json`. Pure. */

export { compareReports } from './table.ts';
export { regressionText } from './text.ts';
export { checkBound, checkWorseBy, parseBound, parsePercent } from './thresholds.ts';
