/** A whole broker inside a test: the port over the native log in a directory of its own, with time and faults in the test's hands. */

export { createTestBroker, type TestBroker, type TestBrokerOptions } from './test-broker.ts';
export type { DeadLetterSeen, PendingMessage, PublishedMessage, WaitOptions } from './look.ts';
export type { TestClock } from './test-clock.ts';
export type { Fault, Faults, PublishFaultOptions } from './faults.ts';
