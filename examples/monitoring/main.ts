/**
 * Monitoring with alerts. Hosts report readings; a monitor looks at the mean of the last ten seconds of each host, by the time of
 * the readings, and publishes an alert when it goes over the bound and another when it is well below again; whoever is on call
 * reads the alerts. What is no reading goes to the dead letters at once, and dead letters are an alert of their own.
 */

import type { ReceivedMessage } from 'sluice/client';
import { openGateway } from '../gateway.ts';
import { normal, seeded } from '../seeded.ts';
import { until } from '../waiting.ts';

interface Reading {
  readonly host: string;
  readonly second: number;
  readonly cpu: number;
}

interface Alert {
  readonly host: string;
  readonly second: number;
  readonly state: 'firing' | 'resolved';
  readonly what: string;
}

const hosts = ['web-1', 'web-2', 'web-3', 'db-1'];
const seconds = 120;
const windowSeconds = 10;
/** Fires above the first and resolves below the second, so that a host at the bound does not ring all night. */
const fireAbove = 90;
const resolveBelow = 80;

await using gateway = await openGateway('monitoring');
const { client } = gateway;
const readings = await gateway.topic('readings', { partitions: 4 });
const alerts = await gateway.topic('alerts');
// By host and in order: a window of a host is no window when its readings overtake each other.
const monitor = await gateway.subscription('monitor', readings, { ordering: 'key' });
const onCall = await gateway.subscription('on-call', alerts, { ordering: 'partition' });

// ------------------------------------------------------------------------------------------------ the monitor

const windows = new Map<string, Reading[]>();
const firing = new Set<string>();
let seen = 0;
let alertsSent = 0;

async function look(reading: Reading): Promise<void> {
  const { host, second } = reading;
  const window = [...(windows.get(host) ?? []), reading].filter((one) => one.second > second - windowSeconds);
  windows.set(host, window);
  if (window.length < windowSeconds) return;
  const mean = window.reduce((sum, { cpu }) => sum + cpu, 0) / window.length;
  const what = `cpu ${mean.toFixed(0)} % over ${windowSeconds} s`;
  if (mean > fireAbove && !firing.has(host)) {
    firing.add(host);
    await alert({ host, second, state: 'firing', what });
  } else if (mean < resolveBelow && firing.has(host)) {
    firing.delete(host);
    await alert({ host, second, state: 'resolved', what });
  }
}

/** The id is that of what happened: a reading that is delivered again does not ring again. */
async function alert(value: Alert): Promise<void> {
  await client.publish(alerts, { id: `${value.host}-${value.state}-${value.second}`, key: value.host, value });
  alertsSent += 1;
}

function readingOf({ value }: ReceivedMessage): Reading | string {
  if (typeof value !== 'object' || value === null) return 'not an object';
  const { host, second, cpu } = value as Record<string, unknown>;
  if (typeof host !== 'string' || typeof second !== 'number') return 'no host or no time';
  if (typeof cpu !== 'number' || !(cpu >= 0 && cpu <= 100)) return `cpu is ${JSON.stringify(cpu)}`;
  return { host, second, cpu };
}

const watching = client.subscribe(monitor);
const watched = watching.run(
  async (message, delivery) => {
    const reading = readingOf(message);
    if (typeof reading === 'string') await delivery.reject({ reason: reading });
    else await look(reading);
    seen += 1;
  },
  { concurrency: hosts.length },
);

// ------------------------------------------------------------------------------------------------ on call

const rung = new Set<string>();
const calling = client.subscribe(onCall);
const called = calling.run(({ id, value }) => {
  if (rung.has(id ?? '')) return;
  rung.add(id ?? '');
  const { host, second, state, what } = value as Alert;
  console.log(`${String(second).padStart(4)} s  ${state.padEnd(8)}  ${host}: ${what}`);
});

// ------------------------------------------------------------------------------------------------ two minutes of a bad evening

const random = seeded(5);
const published: { readonly key: string; readonly value: unknown }[] = [];
for (let second = 0; second < seconds; second += 1)
  for (const host of hosts) {
    const isHot = host === 'web-3' && second >= 40 && second < 75;
    const cpu = Math.min(100, Math.max(0, (isHot ? 97 : 45) + 6 * normal(random)));
    // One agent is broken and sends what it should not.
    const isBroken = host === 'db-1' && second % 50 === 30;
    published.push({ key: host, value: isBroken ? { host, second, cpu: 'NaN' } : { host, second, cpu } });
  }
const outcomes = await client.publishBatch(readings, published);
if (outcomes.some(({ kind }) => kind !== 'stored')) throw new Error('not every reading was stored');

await until('every reading was looked at', () => seen >= published.length);
await until('every alert has rung', () => rung.size >= alertsSent);
await watching.close();
await watched;

const broken = published.filter(({ value }) => typeof (value as { cpu: unknown }).cpu !== 'number').length;
const letters = await deadLetters(broken);
if (letters.length > 0) {
  await alert({ host: 'monitor', second: seconds, state: 'firing', what: `${letters.length} dead letters` });
  await until('the alert of the dead letters has rung', () => rung.size >= alertsSent);
}
await calling.close();
await called;
console.log(`\n${seen - letters.length} readings looked at, ${alertsSent} alerts, ${letters.length} dead letters:`);
for (const { headers, value } of letters)
  console.log(`  ${String(headers['dead-letter-reason'])}: ${JSON.stringify(value)}`);
process.exitCode = letters.length === broken && firing.size === 0 ? 0 : 1;

/** A rejected message is with the dead letters as soon as it is settled; another backend may be a moment behind. */
async function deadLetters(expected: number) {
  let found = await client.subscriptions.deadLetters(monitor);
  for (let tries = 0; tries < 50 && found.messages.length < expected; tries += 1)
    found = await client.subscriptions.deadLetters(monitor);
  return found.messages;
}
