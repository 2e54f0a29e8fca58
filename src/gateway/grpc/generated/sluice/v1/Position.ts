// Original file: proto/sluice/v1/sluice.proto

import type { Edge as _sluice_v1_Edge, Edge__Output as _sluice_v1_Edge__Output } from '../../sluice/v1/Edge.ts';
import type { Offsets as _sluice_v1_Offsets, Offsets__Output as _sluice_v1_Offsets__Output } from '../../sluice/v1/Offsets.ts';
import type { Long } from '@grpc/proto-loader';

export interface Position {
  'edge'?: (_sluice_v1_Edge);
  'timestamp'?: (number | string | Long);
  'offsets'?: (_sluice_v1_Offsets | null);
  'at'?: "edge"|"timestamp"|"offsets";
}

export interface Position__Output {
  'edge'?: (_sluice_v1_Edge__Output);
  'timestamp'?: (number);
  'offsets'?: (_sluice_v1_Offsets__Output);
}
