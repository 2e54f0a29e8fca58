// Original file: proto/sluice/v1/sluice.proto

export const TokenStatus = {
  TOKEN_STATUS_UNSPECIFIED: 'TOKEN_STATUS_UNSPECIFIED',
  TOKEN_STATUS_OK: 'TOKEN_STATUS_OK',
  TOKEN_STATUS_EXPIRED: 'TOKEN_STATUS_EXPIRED',
  TOKEN_STATUS_ALREADY: 'TOKEN_STATUS_ALREADY',
  TOKEN_STATUS_INVALID: 'TOKEN_STATUS_INVALID',
} as const;

export type TokenStatus =
  | 'TOKEN_STATUS_UNSPECIFIED'
  | 0
  | 'TOKEN_STATUS_OK'
  | 1
  | 'TOKEN_STATUS_EXPIRED'
  | 2
  | 'TOKEN_STATUS_ALREADY'
  | 3
  | 'TOKEN_STATUS_INVALID'
  | 4

export type TokenStatus__Output = typeof TokenStatus[keyof typeof TokenStatus]
