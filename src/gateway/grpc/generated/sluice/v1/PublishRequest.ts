// Original file: proto/sluice/v1/sluice.proto

import type { PublishMessage as _sluice_v1_PublishMessage, PublishMessage__Output as _sluice_v1_PublishMessage__Output } from '../../sluice/v1/PublishMessage.ts';
import type { Persistence as _sluice_v1_Persistence, Persistence__Output as _sluice_v1_Persistence__Output } from '../../sluice/v1/Persistence.ts';

export interface PublishRequest {
  'topic'?: (string);
  'messages'?: (_sluice_v1_PublishMessage)[];
  'durability'?: (_sluice_v1_Persistence);
  'minCopies'?: (number);
  '_minCopies'?: "minCopies";
}

export interface PublishRequest__Output {
  'topic'?: (string);
  'messages'?: (_sluice_v1_PublishMessage__Output)[];
  'durability'?: (_sluice_v1_Persistence__Output);
  'minCopies'?: (number);
}
