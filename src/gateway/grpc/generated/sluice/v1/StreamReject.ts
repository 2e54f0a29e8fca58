// Original file: proto/sluice/v1/sluice.proto


export interface StreamReject {
  'tokens'?: (string)[];
  'reason'?: (string);
  '_reason'?: "reason";
}

export interface StreamReject__Output {
  'tokens'?: (string)[];
  'reason'?: (string);
}
