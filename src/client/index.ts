/**
 * `sluice/client`: a client of the gateway's REST API for Node 20 and newer, with no dependency but OpenTelemetry's API, which does nothing by itself.
 *
 *   const sluice = connect('http://127.0.0.1:8080');
 *   await sluice.publish('orders', { key: 'customer-42', value: { total: 9.5 } });
 *   for await (const { message, ack } of sluice.subscribe('billing')) await ack();
 *
 * docs/CLIENT.md tells the rest.
 */

export {
  type BrowseOptions,
  type ChangeOptions,
  connect,
  SluiceClient,
  type Tagged,
} from './client.ts';
export { type ConnectionCode, SluiceError, type SluiceErrorCode } from './errors.ts';
export type {
  Backend,
  BrowsePage,
  Capabilities,
  CapabilityClaim,
  DeadLettersPage,
  Lag,
  ProblemDocument,
  RedriveOptions,
  RedriveResult,
  SeekOptions,
  SubscriptionChanges,
  SubscriptionDefinition,
  SubscriptionOptions,
  TopicChanges,
  TopicDefinition,
  TopicOptions,
} from './generated/schemas.ts';
export type { CallOptions, ConnectOptions } from './http.ts';
export { clientLimits } from './limits.ts';
export { type OutgoingMessage, type ReceivedMessage, valueBytes } from './messages.ts';
export type { MessageSource } from './publish-stream.ts';
export type { PublishOptions, PublishOutcome, StoredMessage } from './publishing.ts';
export { type TraceHeaders, traceContextOf } from './trace-headers.ts';
export { type Delivery, type SettleStatus, type SubscribeOptions, Subscriber } from './subscriber.ts';
