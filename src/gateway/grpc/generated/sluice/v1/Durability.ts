// Original file: proto/sluice/v1/sluice.proto

import type { Persistence as _sluice_v1_Persistence, Persistence__Output as _sluice_v1_Persistence__Output } from '../../sluice/v1/Persistence.ts';

export interface Durability {
  'persistence'?: (_sluice_v1_Persistence);
  'copies'?: (number);
}

export interface Durability__Output {
  'persistence'?: (_sluice_v1_Persistence__Output);
  'copies'?: (number);
}
