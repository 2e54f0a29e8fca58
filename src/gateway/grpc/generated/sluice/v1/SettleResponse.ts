// Original file: proto/sluice/v1/sluice.proto

import type { TokenResult as _sluice_v1_TokenResult, TokenResult__Output as _sluice_v1_TokenResult__Output } from '../../sluice/v1/TokenResult.ts';

export interface SettleResponse {
  'results'?: (_sluice_v1_TokenResult)[];
}

export interface SettleResponse__Output {
  'results'?: (_sluice_v1_TokenResult__Output)[];
}
