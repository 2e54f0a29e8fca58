/** The file of keys: read strictly, written whole. It holds hashes, never keys. */

import { readFileSync, statSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { parse as parseYaml, stringify } from 'yaml';
import { PortError } from '../../adapters/index.ts';
import { errorFromIssues } from '../rest/problem-handler.ts';
import { accessLimits } from './limits.ts';
import { type KeyEntry, KeysFile } from './schema.ts';

/** @throws PortError `invalid_argument` or `unknown_field` that names the file; no content of it is repeated. */
export function readKeysFile(file: string): readonly KeyEntry[] {
  let content: unknown;
  try {
    if (statSync(file).size > accessLimits.keysFileBytesMax)
      throw new Error(`it is above the limit of ${accessLimits.keysFileBytesMax} bytes`);
    content = parseYaml(readFileSync(file, 'utf8'), { maxAliasCount: 0 });
  } catch (cause) {
    const why = (cause as Error).message.split('\n', 1)[0];
    throw new PortError('invalid_argument', `keys file ${file} cannot be read: ${why}`, { cause });
  }
  const result = KeysFile.safeParse(content);
  if (!result.success) throw errorFromIssues(result.error.issues, `keys file ${file}`);
  return result.data.keys;
}

/** Adds an entry. The file is replaced whole, so that a gateway which reads meanwhile sees the old one or the new one. */
export async function addToKeysFile(file: string, entry: KeyEntry): Promise<void> {
  const isThere = statSync(file, { throwIfNoEntry: false }) !== undefined;
  const keys = [...(isThere ? readKeysFile(file) : []), entry];
  const temporary = `${file}.${process.pid}.new`;
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(keysText(keys));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}

export function keysText(keys: readonly KeyEntry[]): string {
  return stringify({ keys }, { aliasDuplicateObjects: false });
}
