/** What of the table holds for a system by its name. */

import type { RabbitMqSettings } from '../../brokers/index.ts';
import { isVariantName, systemOf } from '../systems/system-ids.ts';
import { type Place, settingLines, type SettingLine } from './table.ts';

/** None for a system as it is shipped. */
export function linesOf(name: string): readonly SettingLine[] {
  return settingLines.filter(({ of }) => of.some((one) => one === name));
}

/** By their own names, for what takes them as they are. */
export function valueOf(name: string, place: Place, setting: string): number | null {
  const line = linesOf(name).find((one) => one.place === place && one.name === setting);
  if (line === undefined) return null;
  if (typeof line.value !== 'number') throw new RangeError(`${setting} is not a number`);
  return line.value;
}

/** `flush.messages`: the one line that makes a tier is no tuning. */
export function settingsOf(name: string): 'stock' | 'tuned' {
  return isVariantName(name) && name.endsWith('-tuned') ? 'tuned' : 'stock';
}

/** Of one broker for all tuned kinds of queue, as they share the stock one. Null where a name needs no broker of its own. */
export function rabbitMqSettingsOf(name: string): RabbitMqSettings | null {
  if (!needsOwnBroker(name)) return null;
  const lines = settingLines.filter(({ place }) => place === 'rabbitmq.conf');
  return { conf: lines.map((line) => `${line.name} = ${line.value}`) };
}

function needsOwnBroker(name: string): boolean {
  return linesOf(name).some(({ place }) => place === 'rabbitmq.conf');
}

/** Under every row of the variant: what differs from the row of its system. */
export function settingNotes(name: string): readonly string[] {
  if (!isVariantName(name)) return [];
  const changed = linesOf(name).filter(({ value, byDefault }) => value !== byDefault);
  const lines = changed.map((line) => `${line.place}: ${line.name} ${line.value} instead of ${line.byDefault}`);
  return [`otherwise than ${systemOf(name)}: ${lines.join('; ')}`, ...(name === 'kafka-fsync' ? [kafkasAdvice] : [])];
}

/** In our words: kafka.apache.org/documentation, "Application vs. OS flush management". */
export const kafkasAdvice =
  "Kafka's own advice is another: leave flushing to the operating system and take durability from replication, which it calls the stronger guarantee; on one node there is nothing to replicate to, so this tier is for an equal promise and not how Kafka is meant to run";
