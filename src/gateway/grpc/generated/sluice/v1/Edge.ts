// Original file: proto/sluice/v1/sluice.proto

export const Edge = {
  EDGE_UNSPECIFIED: 'EDGE_UNSPECIFIED',
  EDGE_EARLIEST: 'EDGE_EARLIEST',
  EDGE_LATEST: 'EDGE_LATEST',
} as const;

export type Edge =
  | 'EDGE_UNSPECIFIED'
  | 0
  | 'EDGE_EARLIEST'
  | 1
  | 'EDGE_LATEST'
  | 2

export type Edge__Output = typeof Edge[keyof typeof Edge]
