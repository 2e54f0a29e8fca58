/** Chance, as the engine sees it. */

import { randomUUID } from 'node:crypto';

export interface Random {
  /** A new identity, unique for all time. */
  id(): string;
}

export const systemRandom: Random = { id: () => randomUUID() };
