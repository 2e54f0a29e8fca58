/** Checkers: pure judges over what was sent and received. */

export { DeliveryChecker, type DeliveryCounts, type SendFate } from './delivery.ts';
