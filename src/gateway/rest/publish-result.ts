/** The result of one message as JSON text, without an object in between: the hot path writes a thousand a request. */

import type { Durability, PublishOutcome } from '../../adapters/index.ts';
import { problemOf } from './problem-handler.ts';

export function outcomeJson(outcome: PublishOutcome): string {
  if (outcome.kind !== 'stored') {
    return JSON.stringify({ problem: { ...problemOf(outcome.error), messageId: outcome.id } });
  }
  const offset = outcome.offset === null ? '' : `,"offset":${outcome.offset}`;
  const id = plainId.test(outcome.id) ? `"${outcome.id}"` : JSON.stringify(outcome.id);
  const duplicate = outcome.duplicate === true ? ',"duplicate":true' : '';
  return `{"partition":${outcome.partition}${offset},"id":${id},"durability":${durabilityJson(outcome.durability)}${duplicate}}`;
}

/** Nothing to escape: every id that is made here, and most others. */
const plainId = /^[\w.:-]+$/;

/** Drivers hand out one object for many outcomes. */
let lastDurability: Durability | undefined;
let lastDurabilityJson = '';

function durabilityJson(durability: Durability): string {
  if (durability !== lastDurability) {
    lastDurability = durability;
    lastDurabilityJson = JSON.stringify({ persistence: durability.persistence, copies: durability.copies });
  }
  return lastDurabilityJson;
}
