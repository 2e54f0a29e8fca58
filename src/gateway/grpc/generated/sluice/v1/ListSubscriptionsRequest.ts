// Original file: proto/sluice/v1/sluice.proto


export interface ListSubscriptionsRequest {
}

export interface ListSubscriptionsRequest__Output {
}
