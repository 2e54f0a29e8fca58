// Original file: proto/sluice/v1/sluice.proto

import type { Stored as _sluice_v1_Stored, Stored__Output as _sluice_v1_Stored__Output } from '../../sluice/v1/Stored.ts';
import type { Problem as _sluice_v1_Problem, Problem__Output as _sluice_v1_Problem__Output } from '../../sluice/v1/Problem.ts';

export interface PublishResult {
  'stored'?: (_sluice_v1_Stored | null);
  'problem'?: (_sluice_v1_Problem | null);
  'outcome'?: "stored"|"problem";
}

export interface PublishResult__Output {
  'stored'?: (_sluice_v1_Stored__Output);
  'problem'?: (_sluice_v1_Problem__Output);
}
