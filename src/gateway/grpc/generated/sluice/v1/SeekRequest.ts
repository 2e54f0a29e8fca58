// Original file: proto/sluice/v1/sluice.proto

import type { Position as _sluice_v1_Position, Position__Output as _sluice_v1_Position__Output } from '../../sluice/v1/Position.ts';

export interface SeekRequest {
  'subscription'?: (string);
  'to'?: (_sluice_v1_Position | null);
}

export interface SeekRequest__Output {
  'subscription'?: (string);
  'to'?: (_sluice_v1_Position__Output);
}
