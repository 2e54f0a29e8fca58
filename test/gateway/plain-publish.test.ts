import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPlainPublish } from '../../src/gateway/schema/plain-publish.ts';
import { PublishBody } from '../../src/gateway/schema/publish.ts';
import { check } from '../core-log/support.ts';

describe('a publish that is recognised without the schema', () => {
  it('is one that the schema lets pass, unchanged', () => {
    const message = fc.oneof(
      fc.record(
        {
          key: fc.oneof({ weight: 5, arbitrary: fc.string() }, fc.jsonValue()),
          value: fc.jsonValue(),
          valueBase64: fc.constantFrom('AAH/', 'x'),
          id: fc.string(),
          other: fc.jsonValue(),
        },
        { requiredKeys: [] },
      ),
      fc.record({ value: fc.jsonValue() }),
      { weight: 4, arbitrary: fc.record({ key: fc.string(), value: fc.string() }) },
      fc.jsonValue(),
    );
    const body = fc.oneof(
      { weight: 6, arbitrary: fc.record({ messages: fc.array(message, { maxLength: 3 }) }) },
      fc.record({ messages: fc.array(message, { maxLength: 3 }), durability: fc.constantFrom('os', 'none') }),
      fc.record({ messages: fc.jsonValue() }),
      fc.jsonValue(),
    );
    let plain = 0;
    check(
      fc.property(body, (made) => {
        const parsed: unknown = JSON.parse(JSON.stringify(made));
        if (!isPlainPublish(parsed)) return;
        plain += 1;
        expect(PublishBody.parse(parsed)).toEqual(parsed);
      }),
    );
    expect(plain).toBeGreaterThan(0);
  });

  it.each([
    [
      'texts as keys, any values',
      { messages: [{ key: 'k', value: 'v' }, { value: { a: [1] } }, { value: null }] },
      true,
    ],
    ['no message', { messages: [] }, false],
    ['too many messages', { messages: Array.from({ length: 1_001 }, () => ({ value: 1 })) }, false],
    ['no value', { messages: [{ key: 'k' }] }, false],
    ['a key that is no text', { messages: [{ key: 1, value: 1 }] }, false],
    ['a field that it does not know', { messages: [{ value: 1, values: 1 }] }, false],
    ['a field beside the messages', { messages: [{ value: 1 }], durability: 'os' }, false],
    ['a list', [{ value: 1 }], false],
    ['lists as messages', { messages: [['value']] }, false],
    ['nothing', null, false],
  ])('%s: %#', (_, body, isPlain) => {
    expect(isPlainPublish(body)).toBe(isPlain);
  });
});
