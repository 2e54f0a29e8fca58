import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  assignPartitions,
  decodeClaim,
  encodeClaim,
  type MemberClaim,
} from '../../../src/adapters/kafka/assignment.ts';

const claims = fc
  .array(
    fc.record({ owned: fc.uniqueArray(fc.integer({ min: 0, max: 20 })), generation: fc.integer({ min: -1, max: 9 }) }),
    {
      minLength: 1,
      maxLength: 8,
    },
  )
  .map((members) => members.map((member, index): MemberClaim => ({ ...member, memberId: `m${index}` })));

test('every partition has exactly one reader, and nobody has two more than another', () => {
  fc.assert(
    fc.property(claims, fc.integer({ min: 1, max: 16 }), (members, partitions) => {
      const assigned = [...assignPartitions(members, partitions).values()];
      expect(assigned.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: partitions }, (_, index) => index));
      const counts = assigned.map((own) => own.length);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    }),
  );
});

test('a member that joins takes only what it needs, and a settled group stays as it is', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 32 }), fc.integer({ min: 1, max: 8 }), (partitions, count) => {
      const names = Array.from({ length: count }, (_, index) => `m${index}`);
      const settled = assignPartitions(
        names.map((memberId) => ({ memberId, owned: [], generation: -1 })),
        partitions,
      );
      const members = names.map((memberId) => ({ memberId, owned: settled.get(memberId) ?? [], generation: 1 }));
      expect(assignPartitions(members, partitions)).toEqual(settled);
      const joined = assignPartitions([...members, { memberId: 'new', owned: [], generation: -1 }], partitions);
      for (const { memberId, owned } of members) {
        for (const partition of joined.get(memberId) ?? []) expect(owned).toContain(partition);
      }
    }),
  );
});

test('of two members that claim a partition the newer claim holds', () => {
  const old = { memberId: 'a', owned: [0, 1], generation: 5 };
  const newer = { memberId: 'b', owned: [0], generation: 6 };
  expect(assignPartitions([old, newer], 2).get('b')).toEqual([0]);
});

test('a claim survives its encoding, and what is none claims nothing', () => {
  expect(decodeClaim('m', encodeClaim(7, [3, 250]))).toEqual({ memberId: 'm', owned: [3, 250], generation: 7 });
  expect(decodeClaim('m', Buffer.from('abc'))).toEqual({ memberId: 'm', owned: [], generation: -1 });
});
