/** Verdicts, levels and claims as marks with a word and a tone. */

import type { Inline, Tone } from '../document.ts';
import { scenarioAnchor } from '../evidence.ts';
import type { ClaimResult, PrimaryOutcome, ScenarioRow, ScenarioVerdict, SystemRow } from '../model.ts';
import { claimMarks, scenarioMarks } from '../view.ts';

const scenarioTones: Readonly<Record<ScenarioVerdict, Tone>> = {
  PASS: 'good',
  EMULATED: 'part',
  DIFFERS: 'bad',
  UNSUPPORTED: 'none',
  INCONCLUSIVE: 'open',
};

const claimTones: Readonly<Record<ClaimResult, Tone>> = {
  true: 'good',
  'true-if': 'part',
  false: 'bad',
  inconclusive: 'open',
  'not-tested': 'none',
};

const primaryMarks: Readonly<
  Record<PrimaryOutcome, { readonly tone: Tone; readonly mark: string; readonly word: string }>
> = {
  shown: { tone: 'good', mark: '✓', word: 'shown' },
  'opposite-shown': { tone: 'bad', mark: '✕', word: 'the opposite is shown' },
  'no-difference-shown': { tone: 'open', mark: '?', word: 'no difference shown' },
  'cannot-be-shown': { tone: 'none', mark: '–', word: 'cannot be shown' },
};

type CapabilityLevel = SystemRow['capabilities'][string]['level'];

const levelMarks: Readonly<
  Record<CapabilityLevel, { readonly tone: Tone; readonly mark: string; readonly word: string }>
> = {
  native: { tone: 'good', mark: '✓', word: 'native' },
  emulated: { tone: 'part', mark: '◐', word: 'emulated' },
  unsupported: { tone: 'none', mark: '⊘', word: 'no' },
};

export function scenarioMark(verdict: ScenarioVerdict): Inline {
  return { kind: 'mark', tone: scenarioTones[verdict], mark: scenarioMarks[verdict].mark, word: verdict };
}

/** The mark as a link to the row in the details. */
export function scenarioMarkTo(row: ScenarioRow): Inline {
  return {
    kind: 'mark',
    tone: scenarioTones[row.verdict],
    mark: scenarioMarks[row.verdict].mark,
    word: row.verdict,
    to: scenarioAnchor(row),
  };
}

export function claimMark(verdict: ClaimResult): Inline {
  return { kind: 'mark', tone: claimTones[verdict], mark: claimMarks[verdict].mark, word: claimMarks[verdict].words };
}

export function primaryMark(outcome: PrimaryOutcome): Inline {
  return { kind: 'mark', ...primaryMarks[outcome] };
}

export function levelMark(level: CapabilityLevel, to?: string): Inline {
  return { kind: 'mark', ...levelMarks[level], ...(to === undefined ? {} : { to }) };
}

export function validMark(isValid: boolean): Inline {
  return isValid
    ? { kind: 'mark', tone: 'good', mark: '✓', word: 'valid' }
    : { kind: 'mark', tone: 'bad', mark: '✕', word: 'invalid' };
}

export function assertionMark(holds: boolean): Inline {
  return holds
    ? { kind: 'mark', tone: 'good', mark: '✓', word: 'holds' }
    : { kind: 'mark', tone: 'bad', mark: '✕', word: 'fails' };
}
