// Original file: proto/sluice/v1/sluice.proto

import type { Header as _sluice_v1_Header, Header__Output as _sluice_v1_Header__Output } from '../../sluice/v1/Header.ts';
import type { Long } from '@grpc/proto-loader';

export interface Message {
  'topic'?: (string);
  'partition'?: (number);
  'offset'?: (number | string | Long);
  'key'?: (Buffer | Uint8Array | string);
  'value'?: (Buffer | Uint8Array | string);
  'headers'?: (_sluice_v1_Header)[];
  'contentType'?: (string);
  'id'?: (string);
  'timestamp'?: (number | string | Long);
  '_offset'?: "offset";
  '_key'?: "key";
  '_value'?: "value";
  '_contentType'?: "contentType";
  '_id'?: "id";
}

export interface Message__Output {
  'topic'?: (string);
  'partition'?: (number);
  'offset'?: (number);
  'key'?: (Buffer);
  'value'?: (Buffer);
  'headers'?: (_sluice_v1_Header__Output)[];
  'contentType'?: (string);
  'id'?: (string);
  'timestamp'?: (number);
}
