/**
 * Scopes: what a credential allows. `publish:<topic pattern>`, `read:<topic pattern>`, `consume:<subscription pattern>`,
 * `metrics`, and `admin`, which allows all of it. In a pattern `*` stands for any run of characters, dots too.
 */

import { PortError } from '../../adapters/index.ts';
import { accessLimits } from './limits.ts';

export const namedActions = ['publish', 'read', 'consume'] as const;
export type NamedAction = (typeof namedActions)[number];
export const plainScopes = ['metrics', 'admin'] as const;
export type PlainScope = (typeof plainScopes)[number];

const grammar = new RegExp(`^(?:(${namedActions.join('|')}):([A-Za-z0-9._*-]+)|${plainScopes.join('|')})$`);

export function isScope(text: string): boolean {
  if (text.length > accessLimits.scopeCharactersMax || !grammar.test(text)) return false;
  return text.split('*').length - 1 <= accessLimits.wildcardsMax;
}

/** What a credential allows, ready to be asked. */
export class Scopes {
  readonly texts: readonly string[];
  readonly #plain: ReadonlySet<string>;
  readonly #patterns: Readonly<Record<NamedAction, readonly Pattern[]>>;

  /** @throws PortError `invalid_argument` for a text that is no scope. */
  constructor(texts: readonly string[]) {
    for (const text of texts) {
      if (!isScope(text))
        throw new PortError('invalid_argument', `${JSON.stringify(text.slice(0, 80))} is not a scope`);
    }
    this.texts = [...new Set(texts)].toSorted();
    this.#plain = new Set(this.texts.filter((text) => !text.includes(':')));
    const patternsOf = (action: NamedAction): Pattern[] =>
      this.texts
        .filter((text) => text.startsWith(`${action}:`))
        .map((text) => patternOf(text.slice(action.length + 1)));
    this.#patterns = { publish: patternsOf('publish'), read: patternsOf('read'), consume: patternsOf('consume') };
  }

  get isAdmin(): boolean {
    return this.#plain.has('admin');
  }

  allowsPlain(scope: PlainScope): boolean {
    return this.isAdmin || this.#plain.has(scope);
  }

  allows(action: NamedAction, name: string): boolean {
    return this.isAdmin || this.#patterns[action].some((pattern) => matches(pattern, name));
  }
}

/** The texts between the wildcards. One alone: the name itself. */
type Pattern = readonly string[];

function patternOf(text: string): Pattern {
  return text.split('*');
}

/** Each part at its first place after the one before: no backtracking, so a name costs one scan a wildcard. */
function matches(pattern: Pattern, name: string): boolean {
  const [first = '', ...rest] = pattern;
  const last = rest.pop();
  if (last === undefined) return name === first;
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
  const end = name.length - last.length;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
