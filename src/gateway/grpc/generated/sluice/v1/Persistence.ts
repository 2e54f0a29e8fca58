// Original file: proto/sluice/v1/sluice.proto

export const Persistence = {
  PERSISTENCE_UNSPECIFIED: 'PERSISTENCE_UNSPECIFIED',
  PERSISTENCE_MEMORY: 'PERSISTENCE_MEMORY',
  PERSISTENCE_OS: 'PERSISTENCE_OS',
  PERSISTENCE_FSYNC: 'PERSISTENCE_FSYNC',
} as const;

export type Persistence =
  | 'PERSISTENCE_UNSPECIFIED'
  | 0
  | 'PERSISTENCE_MEMORY'
  | 1
  | 'PERSISTENCE_OS'
  | 2
  | 'PERSISTENCE_FSYNC'
  | 3

export type Persistence__Output = typeof Persistence[keyof typeof Persistence]
