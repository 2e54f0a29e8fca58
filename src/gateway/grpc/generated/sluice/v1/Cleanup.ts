// Original file: proto/sluice/v1/sluice.proto

export const Cleanup = {
  CLEANUP_UNSPECIFIED: 'CLEANUP_UNSPECIFIED',
  CLEANUP_DELETE: 'CLEANUP_DELETE',
  CLEANUP_COMPACT: 'CLEANUP_COMPACT',
} as const;

export type Cleanup =
  | 'CLEANUP_UNSPECIFIED'
  | 0
  | 'CLEANUP_DELETE'
  | 1
  | 'CLEANUP_COMPACT'
  | 2

export type Cleanup__Output = typeof Cleanup[keyof typeof Cleanup]
