/** Verdicts, levels and claims as marks with a word and a tone. */

import type { Inline, Tone } from '../document.ts';
import { scenarioAnchor } from '../evidence.ts';
import { type Said, say } from '../language.ts';
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
  Record<PrimaryOutcome, { readonly tone: Tone; readonly mark: string; readonly word: Said }>
> = {
  shown: { tone: 'good', mark: '✓', word: say('shown', 'ثبت') },
  'opposite-shown': { tone: 'bad', mark: '✕', word: say('the opposite is shown', 'ثبت العكس') },
  'no-difference-shown': { tone: 'open', mark: '?', word: say('no difference shown', 'لم يظهر فرق') },
  'cannot-be-shown': { tone: 'none', mark: '–', word: say('cannot be shown', 'لا يمكن إثباته') },
};

type CapabilityLevel = SystemRow['capabilities'][string]['level'];

const levelMarks: Readonly<
  Record<CapabilityLevel, { readonly tone: Tone; readonly mark: string; readonly word: Said }>
> = {
  native: { tone: 'good', mark: '✓', word: say('native', 'أصيلة') },
  emulated: { tone: 'part', mark: '◐', word: say('emulated', 'محاكاة') },
  unsupported: { tone: 'none', mark: '⊘', word: say('no', 'لا') },
};

export function scenarioMark(verdict: ScenarioVerdict): Inline {
  const { mark, word } = scenarioMarks[verdict];
  return { kind: 'mark', tone: scenarioTones[verdict], mark, word };
}

/** The mark as a link to the row in the details. */
export function scenarioMarkTo(row: ScenarioRow): Inline {
  return {
    kind: 'mark',
    tone: scenarioTones[row.verdict],
    mark: scenarioMarks[row.verdict].mark,
    word: scenarioMarks[row.verdict].word,
    to: scenarioAnchor(row),
  };
}

export function claimMark(verdict: ClaimResult): Inline {
  return { kind: 'mark', tone: claimTones[verdict], mark: claimMarks[verdict].mark, word: claimMarks[verdict].words };
}

export function primaryMark(outcome: PrimaryOutcome): Inline {
  return { kind: 'mark', ...primaryMarks[outcome] };
}

export function primaryWord(outcome: PrimaryOutcome): Said {
  return primaryMarks[outcome].word;
}

export function levelMark(level: CapabilityLevel, to?: string): Inline {
  return { kind: 'mark', ...levelMarks[level], ...(to === undefined ? {} : { to }) };
}

export function validMark(isValid: boolean): Inline {
  return isValid
    ? { kind: 'mark', tone: 'good', mark: '✓', word: say('valid', 'صالح') }
    : { kind: 'mark', tone: 'bad', mark: '✕', word: say('invalid', 'غير صالح') };
}

export function assertionMark(holds: boolean): Inline {
  return holds
    ? { kind: 'mark', tone: 'good', mark: '✓', word: say('holds', 'متحقق') }
    : { kind: 'mark', tone: 'bad', mark: '✕', word: say('fails', 'غير متحقق') };
}
