// Original file: proto/sluice/v1/sluice.proto

import type { Header as _sluice_v1_Header, Header__Output as _sluice_v1_Header__Output } from '../../sluice/v1/Header.ts';
import type { Long } from '@grpc/proto-loader';

export interface PublishMessage {
  'key'?: (Buffer | Uint8Array | string);
  'value'?: (Buffer | Uint8Array | string);
  'text'?: (string);
  'tombstone'?: (boolean);
  'headers'?: (_sluice_v1_Header)[];
  'contentType'?: (string);
  'id'?: (string);
  'timestamp'?: (number | string | Long);
  'partition'?: (number);
  'delayMs'?: (number | string | Long);
  'ttlMs'?: (number | string | Long);
  'priority'?: (number);
  '_key'?: "key";
  'content'?: "value"|"text"|"tombstone";
  '_contentType'?: "contentType";
  '_id'?: "id";
  '_timestamp'?: "timestamp";
  '_partition'?: "partition";
  '_delayMs'?: "delayMs";
  '_ttlMs'?: "ttlMs";
  '_priority'?: "priority";
}

export interface PublishMessage__Output {
  'key'?: (Buffer);
  'value'?: (Buffer);
  'text'?: (string);
  'tombstone'?: (boolean);
  'headers'?: (_sluice_v1_Header__Output)[];
  'contentType'?: (string);
  'id'?: (string);
  'timestamp'?: (number);
  'partition'?: (number);
  'delayMs'?: (number);
  'ttlMs'?: (number);
  'priority'?: (number);
}
