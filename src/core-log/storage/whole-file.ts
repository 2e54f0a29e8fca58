/** Small files, read and written in one piece. */

import type { FileSystem } from '../platform/file-system.ts';

/** null when there is no such file. */
export async function readWhole(files: FileSystem, path: string): Promise<Buffer | null> {
  const status = await files.status(path);
  if (status === undefined || status.isDirectory) return null;
  const file = await files.open(path, 'read');
  try {
    const bytes = Buffer.alloc(status.size);
    return bytes.subarray(0, await file.read(bytes, 0));
  } finally {
    await file.close();
  }
}

/** The file holds exactly these bytes; with `sync` they are on the disk, the name is not yet. Not atomic: whoever needs
 *  that checks the content, or writes under another name and renames. */
export async function writeWhole(
  files: FileSystem,
  path: string,
  bytes: Uint8Array,
  options: { readonly sync?: boolean } = {},
): Promise<void> {
  const file = await files.open(path, 'write');
  try {
    await file.write([bytes], 0);
    await file.truncate(bytes.byteLength);
    if (options.sync === true) await file.dataSync();
  } finally {
    await file.close();
  }
}

/** Like writeWhole with sync, but a crash leaves the old content or the new. */
export async function replaceWhole(
  files: FileSystem,
  directory: string,
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  const draft = `${path}.new`;
  await writeWhole(files, draft, bytes, { sync: true });
  await files.rename(draft, path);
  await files.syncDirectory(directory);
}
