// Original file: proto/sluice/v1/sluice.proto

import type { Durability as _sluice_v1_Durability, Durability__Output as _sluice_v1_Durability__Output } from '../../sluice/v1/Durability.ts';
import type { Long } from '@grpc/proto-loader';

export interface Stored {
  'partition'?: (number);
  'offset'?: (number | string | Long);
  'id'?: (string);
  'durability'?: (_sluice_v1_Durability | null);
  'duplicate'?: (boolean);
  '_offset'?: "offset";
}

export interface Stored__Output {
  'partition'?: (number);
  'offset'?: (number);
  'id'?: (string);
  'durability'?: (_sluice_v1_Durability__Output);
  'duplicate'?: (boolean);
}
