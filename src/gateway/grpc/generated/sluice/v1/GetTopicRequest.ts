// Original file: proto/sluice/v1/sluice.proto


export interface GetTopicRequest {
  'topic'?: (string);
}

export interface GetTopicRequest__Output {
  'topic'?: (string);
}
