// Original file: proto/sluice/v1/sluice.proto

export const Ordering = {
  ORDERING_UNSPECIFIED: 'ORDERING_UNSPECIFIED',
  ORDERING_NONE: 'ORDERING_NONE',
  ORDERING_KEY: 'ORDERING_KEY',
  ORDERING_PARTITION: 'ORDERING_PARTITION',
} as const;

export type Ordering =
  | 'ORDERING_UNSPECIFIED'
  | 0
  | 'ORDERING_NONE'
  | 1
  | 'ORDERING_KEY'
  | 2
  | 'ORDERING_PARTITION'
  | 3

export type Ordering__Output = typeof Ordering[keyof typeof Ordering]
