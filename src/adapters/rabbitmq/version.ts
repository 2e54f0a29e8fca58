/** Which RabbitMQ it is, as the connection tells it; what differs between versions asks here. */

import { PortError } from '../errors.ts';

export interface BrokerVersion {
  readonly text: string;
  atLeast(major: number, minor: number): boolean;
}

const OLDEST = { major: 3, minor: 10 };

/** @throws PortError `capability_unsupported` for anything but RabbitMQ from 3.10 on. */
export function brokerVersion(properties: {
  readonly product?: string | undefined;
  readonly version?: string | undefined;
}): BrokerVersion {
  const { product, version: text = '' } = properties;
  const match = /^(\d+)\.(\d+)/.exec(text);
  const version = versionOf(text, Number(match?.[1] ?? 0), Number(match?.[2] ?? 0));
  if (product === 'RabbitMQ' && version.atLeast(OLDEST.major, OLDEST.minor)) return version;
  throw new PortError(
    'capability_unsupported',
    `the broker says that it is ${product ?? 'unknown'} ${text}; this needs RabbitMQ ${OLDEST.major}.${OLDEST.minor} or later`,
  );
}

export function versionOf(text: string, brokerMajor: number, brokerMinor: number): BrokerVersion {
  return {
    text,
    atLeast: (major, minor) => brokerMajor > major || (brokerMajor === major && brokerMinor >= minor),
  };
}
