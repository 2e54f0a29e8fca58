// Original file: proto/sluice/v1/sluice.proto


export interface PullRequest {
  'subscription'?: (string);
  'maxMessages'?: (number);
  'maxBytes'?: (number);
  'waitMs'?: (number);
  '_maxMessages'?: "maxMessages";
  '_maxBytes'?: "maxBytes";
  '_waitMs'?: "waitMs";
}

export interface PullRequest__Output {
  'subscription'?: (string);
  'maxMessages'?: (number);
  'maxBytes'?: (number);
  'waitMs'?: (number);
}
