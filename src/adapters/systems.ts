/**
 * The systems by their ids (`log`, `rabbitmq-quorum`, `rabbitmq-quorum@3.10`, `kafka`): what each claims, without a broker. Each driver's table is
 * loaded when it is asked for.
 */

import type { CapabilityTable } from './capabilities.ts';
import { PortError } from './errors.ts';
import type { QueueType } from './port.ts';

/** As in reports. Other versions: with `@`. */
export const systemNames = ['log', 'rabbitmq-quorum', 'rabbitmq-classic', 'rabbitmq-stream', 'kafka'] as const;

export type SystemName = (typeof systemNames)[number];

export interface System {
  readonly name: SystemName;
  /** As it was asked for, or the newest that is tested. */
  readonly version: string;
}

const newest: Readonly<Record<SystemName, string>> = {
  log: '0.1',
  'rabbitmq-quorum': '4.3',
  'rabbitmq-classic': '4.3',
  'rabbitmq-stream': '4.3',
  kafka: '4.3',
};

/** @throws PortError `invalid_argument` that names what there is. */
export function systemOf(id: string): System {
  const [, asked = '', version] = /^([a-z-]+)(?:@(\d{1,3}\.\d{1,3}))?$/.exec(id) ?? [];
  const name = systemNames.find((known) => known === asked);
  const known = `${systemNames.join(', ')}; another version of a broker is such as rabbitmq-quorum@3.10`;
  if (name === undefined || (name === 'log' && version !== undefined))
    throw new PortError('invalid_argument', `"${id}" is not a system; the systems are ${known}`);
  if (name.startsWith('rabbitmq') && isBelow(version ?? newest[name], 3, 10))
    throw new PortError('invalid_argument', `"${id}": RabbitMQ is supported from 3.10 on`);
  return { name, version: version ?? newest[name] };
}

/** What it claims. Of a broker: on one node, or on so many. */
export async function systemCapabilities(
  id: string,
  { queueType, nodes = 3 }: { readonly queueType?: QueueType; readonly nodes?: number } = {},
): Promise<CapabilityTable> {
  const { name, version } = systemOf(id);
  switch (name) {
    case 'log':
      return (await import('./native/capabilities.ts')).nativeCapabilities;
    case 'kafka':
      return (await import('./kafka/capabilities.ts')).kafkaCapabilities;
    case 'rabbitmq-quorum':
    case 'rabbitmq-classic':
    case 'rabbitmq-stream': {
      const [{ capabilityTable }, { versionOf }] = await Promise.all([
        import('./rabbitmq/capabilities.ts'),
        import('./rabbitmq/version.ts'),
      ]);
      const [major = 0, minor = 0] = version.split('.').map(Number);
      return capabilityTable(queueType ?? queueTypeOf(name), versionOf(version, major, minor), nodes);
    }
  }
}

export function queueTypeOf(name: 'rabbitmq-quorum' | 'rabbitmq-classic' | 'rabbitmq-stream'): QueueType {
  return name.slice('rabbitmq-'.length) as QueueType;
}

function isBelow(version: string, major: number, minor: number): boolean {
  const [ofMajor = 0, ofMinor = 0] = version.split('.').map(Number);
  return ofMajor < major || (ofMajor === major && ofMinor < minor);
}
