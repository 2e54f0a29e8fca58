/** What a disk does to files at rest: a bit that flips, an end that is missing. A message is found by its bytes, whatever the format. */

import { open, readFile, truncate } from 'node:fs/promises';
import { lengthsIn } from './power-cut.ts';

export interface Place {
  readonly path: string;
  readonly offset: number;
}

/** Everywhere below the directory; a message may lie in a write-ahead log and in a segment. */
export async function placesOf(directory: string, bytes: Buffer): Promise<readonly Place[]> {
  const places: Place[] = [];
  for (const [path, length] of await lengthsIn(directory)) {
    if (length < bytes.length) continue;
    const content = await readFile(path);
    for (let offset = content.indexOf(bytes); offset !== -1; offset = content.indexOf(bytes, offset + 1))
      places.push({ path, offset });
  }
  return places;
}

/** The lowest bit of the byte at that place. */
export async function flipBit({ path, offset }: Place): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, offset);
    byte.writeUInt8(byte.readUInt8(0) ^ 1, 0);
    await file.write(byte, 0, 1, offset);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Nothing of the file is left from that place on. */
export async function cutFrom({ path, offset }: Place): Promise<void> {
  await truncate(path, offset);
}
