/** The file of keys: read strictly, written whole. It holds hashes, never keys. */

import { readFileSync, statSync } from 'node:fs';
import { open, readFile, realpath, rename, stat } from 'node:fs/promises';
import { parse as parseYaml, parseDocument, stringify } from 'yaml';
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

/**
 * Adds an entry; what else is in the file, comments too, stays as it is. The file is replaced whole, so that a gateway which reads
 * meanwhile sees the old one or the new one, and keeps its mode and its owner, so that the gateway may still read it.
 */
export async function addToKeysFile(file: string, entry: KeyEntry): Promise<void> {
  if (statSync(file, { throwIfNoEntry: false }) === undefined) {
    await writeWhole(file, keysText([entry]), 0o600);
    return;
  }
  readKeysFile(file);
  const path = await realpath(file);
  const document = parseDocument(await readFile(path, 'utf8'));
  document.addIn(['keys'], entry);
  const { mode, uid, gid } = await stat(path);
  await writeWhole(path, document.toString(), mode & 0o777, { uid, gid });
}

async function writeWhole(
  path: string,
  text: string,
  mode: number,
  owner?: { readonly uid: number; readonly gid: number },
): Promise<void> {
  const temporary = `${path}.${process.pid}.new`;
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    if (owner !== undefined && owner.uid !== process.geteuid?.()) await handle.chown(owner.uid, owner.gid);
    await handle.chmod(mode);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
}

export function keysText(keys: readonly KeyEntry[]): string {
  return stringify({ keys }, { aliasDuplicateObjects: false });
}
