// Original file: proto/sluice/v1/sluice.proto

import type { Credit as _sluice_v1_Credit, Credit__Output as _sluice_v1_Credit__Output } from '../../sluice/v1/Credit.ts';

export interface StreamStart {
  'subscription'?: (string);
  'credit'?: (_sluice_v1_Credit | null);
}

export interface StreamStart__Output {
  'subscription'?: (string);
  'credit'?: (_sluice_v1_Credit__Output);
}
