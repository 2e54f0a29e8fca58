// Original file: proto/sluice/v1/sluice.proto


export interface DeleteTopicResponse {
}

export interface DeleteTopicResponse__Output {
}
