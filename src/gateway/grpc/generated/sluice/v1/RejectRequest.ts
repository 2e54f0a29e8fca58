// Original file: proto/sluice/v1/sluice.proto


export interface RejectRequest {
  'subscription'?: (string);
  'tokens'?: (string)[];
  'reason'?: (string);
  '_reason'?: "reason";
}

export interface RejectRequest__Output {
  'subscription'?: (string);
  'tokens'?: (string)[];
  'reason'?: (string);
}
