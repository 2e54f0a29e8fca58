// Original file: proto/sluice/v1/sluice.proto

export const OnExhausted = {
  ON_EXHAUSTED_UNSPECIFIED: 'ON_EXHAUSTED_UNSPECIFIED',
  ON_EXHAUSTED_DEAD_LETTER: 'ON_EXHAUSTED_DEAD_LETTER',
  ON_EXHAUSTED_DROP: 'ON_EXHAUSTED_DROP',
  ON_EXHAUSTED_BLOCK: 'ON_EXHAUSTED_BLOCK',
} as const;

export type OnExhausted =
  | 'ON_EXHAUSTED_UNSPECIFIED'
  | 0
  | 'ON_EXHAUSTED_DEAD_LETTER'
  | 1
  | 'ON_EXHAUSTED_DROP'
  | 2
  | 'ON_EXHAUSTED_BLOCK'
  | 3

export type OnExhausted__Output = typeof OnExhausted[keyof typeof OnExhausted]
