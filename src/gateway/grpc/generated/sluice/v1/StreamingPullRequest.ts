// Original file: proto/sluice/v1/sluice.proto

import type { StreamStart as _sluice_v1_StreamStart, StreamStart__Output as _sluice_v1_StreamStart__Output } from '../../sluice/v1/StreamStart.ts';
import type { Credit as _sluice_v1_Credit, Credit__Output as _sluice_v1_Credit__Output } from '../../sluice/v1/Credit.ts';
import type { StreamAck as _sluice_v1_StreamAck, StreamAck__Output as _sluice_v1_StreamAck__Output } from '../../sluice/v1/StreamAck.ts';
import type { StreamNack as _sluice_v1_StreamNack, StreamNack__Output as _sluice_v1_StreamNack__Output } from '../../sluice/v1/StreamNack.ts';
import type { StreamRelease as _sluice_v1_StreamRelease, StreamRelease__Output as _sluice_v1_StreamRelease__Output } from '../../sluice/v1/StreamRelease.ts';
import type { StreamReject as _sluice_v1_StreamReject, StreamReject__Output as _sluice_v1_StreamReject__Output } from '../../sluice/v1/StreamReject.ts';
import type { StreamExtend as _sluice_v1_StreamExtend, StreamExtend__Output as _sluice_v1_StreamExtend__Output } from '../../sluice/v1/StreamExtend.ts';
import type { Long } from '@grpc/proto-loader';

export interface StreamingPullRequest {
  'start'?: (_sluice_v1_StreamStart | null);
  'credit'?: (_sluice_v1_Credit | null);
  'ack'?: (_sluice_v1_StreamAck | null);
  'nack'?: (_sluice_v1_StreamNack | null);
  'release'?: (_sluice_v1_StreamRelease | null);
  'reject'?: (_sluice_v1_StreamReject | null);
  'extend'?: (_sluice_v1_StreamExtend | null);
  'correlationId'?: (number | string | Long);
  'frame'?: "start"|"credit"|"ack"|"nack"|"release"|"reject"|"extend";
  '_correlationId'?: "correlationId";
}

export interface StreamingPullRequest__Output {
  'start'?: (_sluice_v1_StreamStart__Output);
  'credit'?: (_sluice_v1_Credit__Output);
  'ack'?: (_sluice_v1_StreamAck__Output);
  'nack'?: (_sluice_v1_StreamNack__Output);
  'release'?: (_sluice_v1_StreamRelease__Output);
  'reject'?: (_sluice_v1_StreamReject__Output);
  'extend'?: (_sluice_v1_StreamExtend__Output);
  'correlationId'?: (number);
}
