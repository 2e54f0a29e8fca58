// Original file: proto/sluice/v1/sluice.proto

export const QueueType = {
  QUEUE_TYPE_UNSPECIFIED: 'QUEUE_TYPE_UNSPECIFIED',
  QUEUE_TYPE_QUORUM: 'QUEUE_TYPE_QUORUM',
  QUEUE_TYPE_CLASSIC: 'QUEUE_TYPE_CLASSIC',
  QUEUE_TYPE_STREAM: 'QUEUE_TYPE_STREAM',
} as const;

export type QueueType =
  | 'QUEUE_TYPE_UNSPECIFIED'
  | 0
  | 'QUEUE_TYPE_QUORUM'
  | 1
  | 'QUEUE_TYPE_CLASSIC'
  | 2
  | 'QUEUE_TYPE_STREAM'
  | 3

export type QueueType__Output = typeof QueueType[keyof typeof QueueType]
