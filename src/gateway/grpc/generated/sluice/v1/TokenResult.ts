// Original file: proto/sluice/v1/sluice.proto

import type { TokenStatus as _sluice_v1_TokenStatus, TokenStatus__Output as _sluice_v1_TokenStatus__Output } from '../../sluice/v1/TokenStatus.ts';

export interface TokenResult {
  'token'?: (string);
  'status'?: (_sluice_v1_TokenStatus);
  'gateway'?: (string);
  '_gateway'?: "gateway";
}

export interface TokenResult__Output {
  'token'?: (string);
  'status'?: (_sluice_v1_TokenStatus__Output);
  'gateway'?: (string);
}
