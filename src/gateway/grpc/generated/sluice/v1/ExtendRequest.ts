// Original file: proto/sluice/v1/sluice.proto


export interface ExtendRequest {
  'subscription'?: (string);
  'tokens'?: (string)[];
  'deadlineMs'?: (number);
  '_deadlineMs'?: "deadlineMs";
}

export interface ExtendRequest__Output {
  'subscription'?: (string);
  'tokens'?: (string)[];
  'deadlineMs'?: (number);
}
