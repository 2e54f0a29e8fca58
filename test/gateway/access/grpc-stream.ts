/** A StreamingPull by hand, and what it said last. */

import { credentials, loadPackageDefinition, Metadata, type ServiceError } from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import type { ProtoGrpcType } from '../../../src/gateway/grpc/generated/sluice.ts';
import { loadProto } from '../../../src/gateway/grpc/proto.ts';
import { refusalOf } from '../grpc/support.ts';

export async function grpcStream(address: string, key: string, subscription: string): Promise<() => string> {
  const { sluice } = loadPackageDefinition(loadProto()) as unknown as ProtoGrpcType;
  const client = new sluice.v1.Subscriber(address, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  });
  onTestFinished(() => client.close());
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${key}`);
  const stream = client.streamingPull(metadata);
  let text = '';
  stream.on('data', (frame: unknown) => (text += JSON.stringify(frame)));
  stream.on('error', (error: ServiceError) => (text += JSON.stringify(refusalOf(error))));
  stream.write({ start: { subscription, credit: { messages: 1 } } });
  return () => text;
}
