// Original file: proto/sluice/v1/sluice.proto

import type { Topic as _sluice_v1_Topic, Topic__Output as _sluice_v1_Topic__Output } from '../../sluice/v1/Topic.ts';

export interface CreateTopicResponse {
  'created'?: (boolean);
  'topic'?: (_sluice_v1_Topic | null);
}

export interface CreateTopicResponse__Output {
  'created'?: (boolean);
  'topic'?: (_sluice_v1_Topic__Output);
}
