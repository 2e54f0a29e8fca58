// Original file: proto/sluice/v1/sluice.proto


export interface StreamExtend {
  'tokens'?: (string)[];
  'deadlineMs'?: (number);
  '_deadlineMs'?: "deadlineMs";
}

export interface StreamExtend__Output {
  'tokens'?: (string)[];
  'deadlineMs'?: (number);
}
