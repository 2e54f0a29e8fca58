/** W3C trace context in the headers of a message. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  creationContextOf,
  headersOfContext,
  headersOfSpan,
  spanContextOf,
  traceContextOf,
} from '../../src/adapters/trace-context.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';
const traceparent = `00-${traceId}-${spanId}-01`;

const header = (name: string, value: string) => ({ name, value: Buffer.from(value) });

describe('a traceparent', () => {
  it('says trace, span and whether it is sampled', () => {
    expect(spanContextOf({ traceparent })).toMatchObject({ traceId, spanId, traceFlags: 1, isRemote: true });
    expect(spanContextOf({ traceparent: traceparent.replace(/01$/, '00') })).toMatchObject({ traceFlags: 0 });
  });

  it('of a later version is read as far as it is known, and flags that are not known are left out', () => {
    expect(spanContextOf({ traceparent: `cc-${traceId}-${spanId}-ff-more` })).toMatchObject({ traceId, traceFlags: 1 });
  });

  it.each([
    ['nothing', ''],
    ['the version that cannot be', `ff-${traceId}-${spanId}-01`],
    ['no trace', `00-${'0'.repeat(32)}-${spanId}-01`],
    ['no span', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['capital letters', traceparent.toUpperCase()],
    ['more than version 00 has', `${traceparent}-more`],
    ['two of them', `${traceparent}, ${traceparent}`],
    ['half of one', traceparent.slice(0, 40)],
    ['a line end', `${traceparent}\n`],
    ['a very long one', `01-${traceId}-${spanId}-01-${'x'.repeat(100_000)}`],
  ])('that is none is as if it were not there: %s', (_, text) => {
    expect(spanContextOf({ traceparent: text })).toBeUndefined();
    expect(headersOfContext({ traceparent: text })).toBeUndefined();
    expect(traceContextOf({ headers: [header('traceparent', text)] })).toBeUndefined();
  });

  it('never throws, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (text, state) => {
        spanContextOf({ traceparent: text, tracestate: state });
        spanContextOf({ traceparent, tracestate: state });
        creationContextOf([header('traceparent', text), header('tracestate', state)]);
      }),
    );
  });

  it('is written as it was read', () => {
    const hexadecimal = (length: number) =>
      fc
        .uint8Array({ minLength: length / 2, maxLength: length / 2 })
        .map((bytes) => Buffer.from(bytes).toString('hex'))
        .filter((text) => !/^0+$/.test(text));
    fc.assert(
      fc.property(hexadecimal(32), hexadecimal(16), fc.boolean(), (trace, span, isSampled) => {
        const text = `00-${trace}-${span}-0${Number(isSampled)}`;
        const context = spanContextOf({ traceparent: text, tracestate: 'a=1,b=2' });
        expect(context === undefined ? [] : headersOfSpan(context)).toEqual([
          header('traceparent', text),
          header('tracestate', 'a=1,b=2'),
        ]);
      }),
    );
  });
});

describe('the context of a message', () => {
  it('is that of its headers, whatever the case of their names', () => {
    const headers = [header('a', 'b'), header('Traceparent', traceparent), header('TRACESTATE', 'shop=1')];
    expect(traceContextOf({ headers })).toEqual({ traceparent, tracestate: 'shop=1' });
    expect(creationContextOf(headers)?.traceState?.get('shop')).toBe('1');
  });

  it('of an event that has only an attribute of CloudEvents is that', () => {
    expect(creationContextOf([header('ce_traceparent', traceparent)])).toMatchObject({ traceId });
    expect(traceContextOf({ headers: [header('ce_traceparent', traceparent)] })).toBeUndefined();
  });

  it('keeps its trace when its state is too long or is not text', () => {
    for (const state of ['x='.padEnd(600, 'y'), 'shop=\u0000'])
      expect(headersOfContext({ traceparent, tracestate: state })).toEqual([header('traceparent', traceparent)]);
  });
});
