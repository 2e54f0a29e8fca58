/** The bounds of access control of docs/LIMITS.md, each from both sides. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hashOfKey, newKey } from '../../../src/gateway/access/keys.ts';
import { readKeysFile } from '../../../src/gateway/access/keys-file.ts';
import { accessLimits } from '../../../src/gateway/access/limits.ts';
import { isScope } from '../../../src/gateway/access/scopes.ts';
import { asking, directory, guarded, issuer, keyWith } from './support.ts';

const { scopesMax, scopeCharactersMax, wildcardsMax, keysMax, keysFileBytesMax } = accessLimits;

describe('a file of keys', () => {
  it(`may have ${keysMax} keys and ${scopesMax} scopes for each, and one more of either is refused`, () => {
    const entries = (count: number) => Array.from({ length: count }, (_, index) => entry(`key-${index}`, ['admin']));
    expect(readKeysFile(fileOf(entries(keysMax)))).toHaveLength(keysMax);
    expect(() => readKeysFile(fileOf(entries(keysMax + 1)))).toThrow(/keys/);
    const scopes = (count: number) => Array.from({ length: count }, (_, index) => `publish:topic-${index}`);
    expect(readKeysFile(fileOf([entry('many', scopes(scopesMax))]))[0]?.scopes).toHaveLength(scopesMax);
    expect(() => readKeysFile(fileOf([entry('many', scopes(scopesMax + 1))]))).toThrow(/scopes/);
  });

  it('may be as large as the bound, and is not read when it has one byte more', () => {
    const text = JSON.stringify({ keys: [entry('only', ['admin'])] });
    const file = join(directory(), 'keys.yaml');
    writeFileSync(file, text + ' '.repeat(keysFileBytesMax - text.length));
    expect(readKeysFile(file)).toHaveLength(1);
    writeFileSync(file, text + ' '.repeat(keysFileBytesMax - text.length + 1));
    expect(() => readKeysFile(file)).toThrow(`above the limit of ${keysFileBytesMax} bytes`);
  });
});

describe('a scope', () => {
  it('may be so long, and have so many wildcards', () => {
    const name = (length: number): string => `publish:${'t'.repeat(length - 'publish:'.length)}`;
    expect([isScope(name(scopeCharactersMax)), isScope(name(scopeCharactersMax + 1))]).toEqual([true, false]);
    const pattern = (wildcards: number): string => `publish:${'a*'.repeat(wildcards)}`;
    expect([isScope(pattern(wildcardsMax)), isScope(pattern(wildcardsMax + 1))]).toEqual([true, false]);
  });
});

describe('a credential', () => {
  it('may fill `authorization` to its bound', async () => {
    const { key, entry: known } = keyWith(['admin']);
    const { url } = await guarded({ access: { keys: [known] } });
    const padded = (length: number): string => `Bearer${' '.repeat(length - 'Bearer'.length - key.length)}${key}`;
    const statuses = [];
    for (const length of [accessLimits.credentialCharactersMax, accessLimits.credentialCharactersMax + 1]) {
      const headers = { authorization: padded(length) };
      statuses.push((await asking(url, 'GET', '/v1/topics', { headers })).status);
    }
    expect(statuses).toEqual([200, 401]);
  });

  it('of a token may name a principal of so many characters, and so many scopes', async () => {
    const tokens = await issuer();
    const { ask } = await guarded({ access: { jwt: tokens.config } });
    const status = async (sub: string, scopes: readonly string[]) =>
      (await ask('GET', '/v1/topics', { key: await tokens.token({ sub, scope: scopes.join(' ') }) })).status;
    const { principalCharactersMax } = accessLimits;
    expect(await status('p'.repeat(principalCharactersMax), ['admin'])).toBe(200);
    expect(await status('p'.repeat(principalCharactersMax + 1), ['admin'])).toBe(401);
    const scopes = (count: number) =>
      Array.from({ length: count }, (_, index) => (index === 0 ? 'admin' : `read:t${index}`));
    expect(await status('alice', scopes(scopesMax))).toBe(200);
    expect(await status('alice', scopes(scopesMax + 1))).toBe(401);
  });
});

function entry(name: string, scopes: readonly string[]) {
  return { name, hash: hashOfKey(newKey()), scopes };
}

function fileOf(keys: readonly object[]): string {
  const file = join(directory(), 'keys.yaml');
  writeFileSync(file, JSON.stringify({ keys }));
  return file;
}
