// Original file: proto/sluice/v1/sluice.proto


export interface ListTopicsRequest {
}

export interface ListTopicsRequest__Output {
}
