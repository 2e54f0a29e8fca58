// Original file: proto/sluice/v1/sluice.proto

import type { Long } from '@grpc/proto-loader';

export interface Offsets {
  'byPartition'?: ({[key: number]: number | string | Long});
}

export interface Offsets__Output {
  'byPartition'?: ({[key: number]: number});
}
