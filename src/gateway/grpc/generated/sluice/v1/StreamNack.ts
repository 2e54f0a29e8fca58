// Original file: proto/sluice/v1/sluice.proto


export interface StreamNack {
  'tokens'?: (string)[];
  'delayMs'?: (number);
  'reason'?: (string);
  '_delayMs'?: "delayMs";
  '_reason'?: "reason";
}

export interface StreamNack__Output {
  'tokens'?: (string)[];
  'delayMs'?: (number);
  'reason'?: (string);
}
