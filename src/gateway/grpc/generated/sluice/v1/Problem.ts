// Original file: proto/sluice/v1/sluice.proto

import type { FieldProblem as _sluice_v1_FieldProblem, FieldProblem__Output as _sluice_v1_FieldProblem__Output } from '../../sluice/v1/FieldProblem.ts';
import type { Long } from '@grpc/proto-loader';

export interface Problem {
  'code'?: (string);
  'detail'?: (string);
  'retryable'?: (boolean);
  'retryAfterMs'?: (number | string | Long);
  'capability'?: (string);
  'errors'?: (_sluice_v1_FieldProblem)[];
  'messageId'?: (string);
  '_retryAfterMs'?: "retryAfterMs";
  '_capability'?: "capability";
  '_messageId'?: "messageId";
}

export interface Problem__Output {
  'code'?: (string);
  'detail'?: (string);
  'retryable'?: (boolean);
  'retryAfterMs'?: (number);
  'capability'?: (string);
  'errors'?: (_sluice_v1_FieldProblem__Output)[];
  'messageId'?: (string);
}
