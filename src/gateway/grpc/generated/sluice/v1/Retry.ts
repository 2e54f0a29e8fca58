// Original file: proto/sluice/v1/sluice.proto


export interface Retry {
  'minBackoffMs'?: (number);
  'maxBackoffMs'?: (number);
  'maxAttempts'?: (number);
  '_minBackoffMs'?: "minBackoffMs";
  '_maxBackoffMs'?: "maxBackoffMs";
  '_maxAttempts'?: "maxAttempts";
}

export interface Retry__Output {
  'minBackoffMs'?: (number);
  'maxBackoffMs'?: (number);
  'maxAttempts'?: (number);
}
