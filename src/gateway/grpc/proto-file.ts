/** Where the .proto is. Apart from proto.ts, so that the start can read it without loading the library. */

import { fileURLToPath } from 'node:url';

/** The same place from src and from dist. */
export const protoDirectory = fileURLToPath(new URL('../../../proto', import.meta.url));
export const protoFile = 'sluice/v1/sluice.proto';
