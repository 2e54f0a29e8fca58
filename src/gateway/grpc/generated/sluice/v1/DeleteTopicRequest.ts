// Original file: proto/sluice/v1/sluice.proto


export interface DeleteTopicRequest {
  'topic'?: (string);
}

export interface DeleteTopicRequest__Output {
  'topic'?: (string);
}
