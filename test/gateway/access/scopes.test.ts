/** What a scope allows: patterns, and what is no scope. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accessLimits } from '../../../src/gateway/access/limits.ts';
import { isScope, Scopes } from '../../../src/gateway/access/scopes.ts';

describe('a pattern', () => {
  it.each([
    ['orders', 'orders', true],
    ['orders', 'orders2', false],
    ['orders', 'Orders', false],
    ['orders.*', 'orders.eu', true],
    ['orders.*', 'orders.eu.west', true],
    ['orders.*', 'orders.', true],
    ['orders.*', 'orders', false],
    ['orders.*', 'xorders.eu', false],
    ['*', 'anything', true],
    ['*.dead', 'billing.dead', true],
    ['*.dead', 'billing.dead.x', false],
    ['a*b*c', 'aXXbYYc', true],
    ['a*b*c', 'abc', true],
    ['a*b*c', 'acb', false],
    ['ab*ba', 'aba', false],
    ['a*a', 'a', false],
    ['a.b', 'aXb', false],
  ])('%s for %s: %s', (pattern, name, allowed) => {
    expect(new Scopes([`publish:${pattern}`]).allows('publish', name)).toBe(allowed);
    expect(new Scopes([`publish:${pattern}`]).allows('read', name)).toBe(false);
  });

  it('allows what the same pattern as a regular expression allows', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), minLength: 1, maxLength: 12 });
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), minLength: 1, maxLength: 16 });
    fc.assert(
      fc.property(letters, text, (pattern, name) => {
        fc.pre(isScope(`consume:${pattern}`));
        const expression = new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`);
        expect(new Scopes([`consume:${pattern}`]).allows('consume', name)).toBe(expression.test(name));
      }),
      { numRuns: 2_000 },
    );
  });

  it('S13: the worst pattern on the worst name takes no time', () => {
    const pattern = `${'a*'.repeat(accessLimits.wildcardsMax)}b`;
    const scopes = new Scopes(Array.from({ length: accessLimits.scopesMax }, (_, n) => `publish:${pattern}${n}`));
    const name = 'a'.repeat(249);
    const startedAt = performance.now();
    for (let round = 0; round < 100; round += 1) expect(scopes.allows('publish', name)).toBe(false);
    expect((performance.now() - startedAt) / 100).toBeLessThan(5);
  });
});

it.each([
  'publish:',
  'publish',
  'publish:a b',
  'publish:a/b',
  'admin:*',
  'ADMIN',
  'write:orders',
  'publish:ü',
  'publish:a\n',
  `publish:${'a'.repeat(300)}`,
  `publish:${'a*'.repeat(9)}`,
  '__proto__',
  'constructor:*',
])('%j is no scope', (text) => {
  expect(isScope(text)).toBe(false);
  expect(() => new Scopes([text])).toThrow(/is not a scope/);
});

it('admin allows everything, metrics only itself', () => {
  const admin = new Scopes(['admin']);
  expect([admin.allows('publish', 'x'), admin.allows('consume', 'x'), admin.allowsPlain('metrics')]).toEqual([
    true,
    true,
    true,
  ]);
  const metrics = new Scopes(['metrics']);
  expect([metrics.allows('read', 'x'), metrics.allowsPlain('metrics'), metrics.allowsPlain('admin')]).toEqual([
    false,
    true,
    false,
  ]);
});
