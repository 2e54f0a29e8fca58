// Original file: proto/sluice/v1/sluice.proto

import type { Position as _sluice_v1_Position, Position__Output as _sluice_v1_Position__Output } from '../../sluice/v1/Position.ts';
import type { Ordering as _sluice_v1_Ordering, Ordering__Output as _sluice_v1_Ordering__Output } from '../../sluice/v1/Ordering.ts';
import type { MaxInFlight as _sluice_v1_MaxInFlight, MaxInFlight__Output as _sluice_v1_MaxInFlight__Output } from '../../sluice/v1/MaxInFlight.ts';
import type { Retry as _sluice_v1_Retry, Retry__Output as _sluice_v1_Retry__Output } from '../../sluice/v1/Retry.ts';
import type { OnExhausted as _sluice_v1_OnExhausted, OnExhausted__Output as _sluice_v1_OnExhausted__Output } from '../../sluice/v1/OnExhausted.ts';

export interface Subscription {
  'name'?: (string);
  'topic'?: (string);
  'start'?: (_sluice_v1_Position | null);
  'ordering'?: (_sluice_v1_Ordering);
  'ackDeadlineMs'?: (number);
  'maxInFlight'?: (_sluice_v1_MaxInFlight | null);
  'retry'?: (_sluice_v1_Retry | null);
  'onExhausted'?: (_sluice_v1_OnExhausted);
  'deadLetterTopic'?: (string);
  'requires'?: (string)[];
  'etag'?: (string);
  '_deadLetterTopic'?: "deadLetterTopic";
}

export interface Subscription__Output {
  'name'?: (string);
  'topic'?: (string);
  'start'?: (_sluice_v1_Position__Output);
  'ordering'?: (_sluice_v1_Ordering__Output);
  'ackDeadlineMs'?: (number);
  'maxInFlight'?: (_sluice_v1_MaxInFlight__Output);
  'retry'?: (_sluice_v1_Retry__Output);
  'onExhausted'?: (_sluice_v1_OnExhausted__Output);
  'deadLetterTopic'?: (string);
  'requires'?: (string)[];
  'etag'?: (string);
}
