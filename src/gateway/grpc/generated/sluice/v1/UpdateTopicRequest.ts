// Original file: proto/sluice/v1/sluice.proto

import type { Retention as _sluice_v1_Retention, Retention__Output as _sluice_v1_Retention__Output } from '../../sluice/v1/Retention.ts';
import type { Cleanup as _sluice_v1_Cleanup, Cleanup__Output as _sluice_v1_Cleanup__Output } from '../../sluice/v1/Cleanup.ts';
import type { OptionValue as _sluice_v1_OptionValue, OptionValue__Output as _sluice_v1_OptionValue__Output } from '../../sluice/v1/OptionValue.ts';

export interface UpdateTopicRequest {
  'topic'?: (string);
  'partitions'?: (number);
  'retention'?: (_sluice_v1_Retention | null);
  'cleanup'?: (_sluice_v1_Cleanup);
  'options'?: ({[key: string]: _sluice_v1_OptionValue});
  'etag'?: (string);
  '_partitions'?: "partitions";
  '_etag'?: "etag";
}

export interface UpdateTopicRequest__Output {
  'topic'?: (string);
  'partitions'?: (number);
  'retention'?: (_sluice_v1_Retention__Output);
  'cleanup'?: (_sluice_v1_Cleanup__Output);
  'options'?: ({[key: string]: _sluice_v1_OptionValue__Output});
  'etag'?: (string);
}
