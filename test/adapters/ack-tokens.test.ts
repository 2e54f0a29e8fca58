/** Tokens by themselves: what they carry, and that nobody else can make one. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AckTokens } from '../../src/adapters/ack-tokens.ts';
import { systemClock } from '../../src/adapters/clock.ts';
import type { Driver } from '../../src/adapters/driver.ts';
import { lateStatus, lateTokenRules, LateTokens } from '../../src/adapters/late-tokens.ts';
import { limits } from '../../src/adapters/limits.ts';
import type { Message } from '../../src/adapters/port.ts';
import { TokenSecrets } from '../../src/adapters/token-secrets.ts';

const SECRET = 'a secret of at least thirty-two characters';
const EPOCH = 'AAAAAA';

describe('an ack token', () => {
  it('carries subscription, position, attempt, expiry, process and gateway, at any size of them', () => {
    const fields = fc.record({
      partition: fc.nat(limits.partitionsPerTopicMax - 1),
      offset: fc.option(fc.maxSafeNat().map((offset) => offset % 2 ** 47)),
      attempt: fc.integer({ min: 1, max: 0xffff }),
      expiresAtMs: fc.nat(limits.timestampMsMax),
      gateway: fc.string({ maxLength: 12 }),
      subscription: fc.string({ minLength: 1 }),
    });
    fc.assert(
      fc.property(fields, ({ partition, offset, attempt, expiresAtMs, gateway, subscription }) => {
        const tokens = withKeys([SECRET], gateway);
        const token = tokens.session(subscription, EPOCH).sign(message({ partition, offset }), attempt, expiresAtMs);
        expect(token.length).toBeLessThanOrEqual(limits.tokenCharactersMax);
        const read = tokens.read(token, subscription);
        expect(read).toMatchObject({ partition, offset, attempt, expiresAtMs, isOfThisProcess: true, epoch: EPOCH });
        expect(read?.gateway).toBe(Buffer.from(gateway).toString());
        expect(withKeys([SECRET]).read(token, subscription)?.isOfThisProcess).toBe(false);
        expect(tokens.read(token, `${subscription}x`)).toBeUndefined();
      }),
    );
  });

  it('no bit of it can be changed, nothing added or taken away', () => {
    const tokens = withKeys([SECRET], 'gateway-1');
    const token = tokens.session('billing', EPOCH).sign(message(), 1, 1_000);
    const bytes = Buffer.from(token, 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(tokens.read(changed.toString('base64url'), 'billing'), `bit ${bit}`).toBeUndefined();
    }
    for (const other of [`${token}A`, token.slice(0, -1), `${token}=`, ` ${token}`, token.toUpperCase(), '']) {
      expect(tokens.read(other, 'billing'), other).toBeUndefined();
    }
    expect(tokens.read('A'.repeat(limits.tokenCharactersMax + 1), 'billing')).toBeUndefined();
  });

  it('is known by every process with the key, and by none without', () => {
    const token = withKeys([SECRET]).session('billing', EPOCH).sign(message(), 1, 1_000);
    expect(withKeys([SECRET]).read(token, 'billing')).toBeDefined();
    const other = 'another secret, which is as long as that one';
    expect(withKeys([other, SECRET]).read(token, 'billing')).toBeDefined();
    expect(withKeys([other]).read(token, 'billing')).toBeUndefined();
    expect(withKeys([]).read(token, 'billing')).toBeUndefined();
  });

  it('two deliveries never have the same one', () => {
    const signer = withKeys([SECRET]).session('billing', EPOCH);
    const made = new Set(Array.from({ length: 1_000 }, () => signer.sign(message(), 1, 1_000)));
    expect(made.size).toBe(1_000);
  });
});

describe('the keys that a backend keeps', () => {
  it('are one for all: the first process makes it, and whoever comes at the same moment is understood too', async () => {
    const kept = new Map<string, string>();
    const followers = new Set<TokenSecrets>();
    const open = (): TokenSecrets => {
      const secrets = new TokenSecrets([]);
      for (const [key, value] of kept) secrets.apply(key, value);
      followers.add(secrets);
      return secrets;
    };
    const store = {
      refresh: async () => undefined,
      put: async (key: string, value: string | null) => {
        await Promise.resolve(); // a store takes a moment, in which the other one finds nothing
        if (value === null) kept.delete(key);
        else kept.set(key, value);
        for (const follower of followers) follower.apply(key, value);
      },
    };
    const [one, two] = [open(), open()];
    await Promise.all([one.use(store), two.use(store)]);
    const three = open();
    await three.use(store);
    expect(kept.size).toBe(2);
    const processes = [one, two, three].map((secrets) => new AckTokens(secrets, ''));
    for (const signer of processes) {
      const token = signer.session('billing', EPOCH).sign(message(), 1, 1_000);
      for (const reader of processes) expect(reader.read(token, 'billing')).toBeDefined();
    }
    expect(new Set([one, two, three].map(({ signing }) => signing.id.toString('hex'))).size).toBe(1);
  });
});

describe('what a late token is answered', () => {
  const positions = ['settled', 'free', 'elsewhere', 'held', 'gone', 'none'] as const;
  const cases = positions.flatMap((position) =>
    (['here', 'before', 'other'] as const).flatMap((from) =>
      (['left', 'over'] as const).flatMap((time) =>
        (['ack', 'other'] as const).map((call) => ({ position, from, time, call })),
      ),
    ),
  );

  it('has a rule for each combination, and every rule is one that decides something', () => {
    const used = new Set<unknown>();
    for (const asked of cases) {
      const rule = lateTokenRules.find((candidate) =>
        (['position', 'from', 'time', 'call'] as const).every(
          (name) => candidate[name] === 'any' || candidate[name] === asked[name],
        ),
      );
      expect(rule, JSON.stringify(asked)).toBeDefined();
      expect(lateStatus(asked)).toBe(rule?.answer);
      used.add(rule);
    }
    expect(used.size).toBe(lateTokenRules.length);
  });

  it('settles only what is free, by an ack, in time, and of another process', () => {
    for (const asked of cases) {
      const isRight =
        asked.position === 'free' && asked.call === 'ack' && asked.time === 'left' && asked.from !== 'here';
      expect(lateStatus(asked) === 'ok', JSON.stringify(asked)).toBe(isRight);
    }
  });
});

describe('a message that has the offset of another one', () => {
  it.each([
    ['is not settled by its token', 'm-2', 5, 'expired', [false]],
    ['nor with the same id at another time', 'm-1', 6, 'expired', [false]],
    ['which is how the same message is known', 'm-1', 5, 'ok', [false, true]],
  ])('%s', async (_, id, timestampMs, expected, settles) => {
    const asked: boolean[] = [];
    const driver = {
      settlePosition: async (...args: unknown[]) => {
        asked.push(args[4] as boolean);
        return 'free';
      },
      read: async () => ({ messages: [message({ id, timestampMs })], next: 8 }),
    } as unknown as Driver;
    const secrets = new TokenSecrets([SECRET]);
    await secrets.use({ refresh: async () => undefined, put: async () => undefined });
    const token = withKeys([SECRET])
      .session('billing', EPOCH)
      .sign(message(), 1, Date.now() + 60_000);
    const late = new LateTokens({
      driver,
      tokens: new AckTokens(secrets, ''),
      secrets,
      clock: systemClock,
      gateway: '',
    });
    const place = { definition: { name: 'billing' }, topic: { partitions: 1 }, session: undefined };
    expect((await late.settle(token, true, place as never)).status).toBe(expected);
    expect(asked).toEqual(settles);
  });
});

function withKeys(keys: readonly string[], gateway = ''): AckTokens {
  return new AckTokens(new TokenSecrets(keys), gateway);
}

function message(changes: Partial<Message> = {}): Message {
  return {
    topic: 'orders',
    partition: 0,
    offset: 7,
    key: null,
    value: null,
    headers: [],
    contentType: null,
    id: 'm-1',
    timestampMs: 5,
    ...changes,
  };
}
