/**
 * What this build was made of: `scripts/build-if-needed.mjs` writes it beside the compiled command line. The date is that of the commit
 * (or SOURCE_DATE_EPOCH), never that of the build, so that the same sources make the same bytes.
 */

import { readFileSync } from 'node:fs';

export interface BuildInfo {
  readonly version: string;
  /** Of git, with `-dirty` when files had been changed; null where the build could not know (a copy without .git, run from sources). */
  readonly commit: string | null;
  /** ISO 8601, UTC; null as above. */
  readonly date: string | null;
}

export function readBuildInfo(): BuildInfo {
  const { version } = readJson('../package.json') as { version: string };
  const { commit = null, date = null } = (readJson('./build-info.json') ?? {}) as Partial<BuildInfo>;
  return { version, commit, date };
}

/** What `sluice --version` prints: the first line is for people and scripts, the rest for a report of a fault. */
export function versionText({ version, commit, date }: BuildInfo, dataFormat: number, isJson: boolean): string {
  const { version: node, platform, arch } = process;
  if (isJson) return JSON.stringify({ version, commit, date, node, platform, arch, dataFormat });
  return [
    `sluice ${version}`,
    `commit       ${commit ?? 'unknown'}${date === null ? '' : `, of ${date}`}`,
    `node         ${node} ${platform} ${arch}`,
    `data format  ${dataFormat}`,
  ].join('\n');
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as unknown;
  } catch {
    return undefined; // sources that nobody built
  }
}
