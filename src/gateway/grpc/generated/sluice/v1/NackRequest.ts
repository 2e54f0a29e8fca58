// Original file: proto/sluice/v1/sluice.proto


export interface NackRequest {
  'subscription'?: (string);
  'tokens'?: (string)[];
  'delayMs'?: (number);
  'reason'?: (string);
  '_delayMs'?: "delayMs";
  '_reason'?: "reason";
}

export interface NackRequest__Output {
  'subscription'?: (string);
  'tokens'?: (string)[];
  'delayMs'?: (number);
  'reason'?: (string);
}
