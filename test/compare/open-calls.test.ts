import { describe, expect, test, vi } from 'vitest';
import { OpenCalls } from '../../src/compare/open-calls.ts';

describe('a call to another process', () => {
  test('resolves with the answer to its number, whatever comes first', async () => {
    const calls = new OpenCalls<string>();
    const sent: number[] = [];
    const answers = [calls.ask((id) => sent.push(id)), calls.ask((id) => sent.push(id))];
    const [first = 0, second = 0] = sent;
    calls.answer(second, 'second');
    calls.answer(first, 'first');
    expect(await Promise.all(answers)).toEqual(['first', 'second']);
  });

  test('rejects as it failed; what comes for it afterwards, or for none, says nothing', async () => {
    const calls = new OpenCalls<string>();
    let asked = 0;
    const call = calls.ask((id) => {
      asked = id;
    });
    calls.fail(asked, new Error('refused'));
    calls.answer(asked, 'late');
    calls.fail(asked + 1, new Error('nobody asked'));
    await expect(call).rejects.toThrow('refused');
  });

  test('ends with the process: open ones by its reason, later ones too, and those are not sent', async () => {
    const calls = new OpenCalls<string>();
    const open = calls.ask(() => undefined);
    calls.end(new Error('killed'));
    await expect(open).rejects.toThrow('killed');
    const send = vi.fn();
    await expect(calls.ask(send)).rejects.toThrow('killed');
    expect(send).not.toHaveBeenCalled();
  });
});
