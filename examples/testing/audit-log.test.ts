/** The embedded log in a test: a real one, in a directory that the test makes and removes. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuditLog, type AuditEntry } from './audit-log.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'audit-log-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

describe('the audit log', () => {
  it('has what was written before it was closed, under the same numbers', async () => {
    {
      await using audit = await AuditLog.open(directory);
      expect(await audit.write('alice', 'opened the vault')).toBe(0);
      expect(await audit.write('bob', 'closed it')).toBe(1);
    }
    await using again = await AuditLog.open(directory);
    expect(await again.write('alice', 'went home')).toBe(2);
    expect(await all(again)).toEqual([
      { who: 'alice', did: 'opened the vault', number: 0 },
      { who: 'bob', did: 'closed it', number: 1 },
      { who: 'alice', did: 'went home', number: 2 },
    ]);
  });

  it('keeps entries of the same moment one after the other', async () => {
    await using audit = await AuditLog.open(directory);
    const numbers = await Promise.all(Array.from({ length: 100 }, (_, index) => audit.write('load', `entry ${index}`)));
    expect(numbers).toEqual(Array.from({ length: 100 }, (_, index) => index));
    expect((await all(audit, 98)).map(({ did }) => did)).toEqual(['entry 98', 'entry 99']);
  });

  it('belongs to one at a time', async () => {
    await using _audit = await AuditLog.open(directory);
    await expect(AuditLog.open(directory)).rejects.toMatchObject({ code: expect.stringMatching(/lock|use/) });
  });
});

async function all(audit: AuditLog, from = 0): Promise<AuditEntry[]> {
  const found: AuditEntry[] = [];
  for await (const entry of audit.entries(from)) found.push(entry);
  return found;
}
