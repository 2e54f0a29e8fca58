/** Checkers: pure judges over what was sent and received. */

export { DeliveryChecker } from './delivery.ts';
