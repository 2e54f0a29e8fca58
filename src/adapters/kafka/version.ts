/**
 * A broker does not tell its version, but it tells which levels of the feature `metadata.version` it supports, and each
 * release has its own. Asked with ApiVersions 3, the first that carries features; kafkajs speaks up to 2.
 */

import { internals, type WireCall } from './kafkajs-internals.ts';

const REQUEST_VERSION = 3;
const SUPPORTED_FEATURES_TAG = 0;

/** First feature level of each release, from Kafka's `MetadataVersion`. */
const firstLevels: readonly (readonly [level: number, release: string])[] = [
  [30, '4.3'],
  [28, '4.2'],
  [26, '4.1'],
  [22, '4.0'],
  [21, '3.9'],
  [20, '3.8'],
  [15, '3.7'],
  [12, '3.6'],
  [9, '3.5'],
  [8, '3.4'],
  [1, '3.3'],
];
const KNOWN_LEVEL_MAX = 30;

/** The release of the broker's feature level; null says that the broker told none. */
export function releaseOf(level: number | null): string {
  if (level === null) return 'unknown (before 3.3)';
  const release = firstLevels.find(([first]) => level >= first)?.[1] ?? '3.3';
  return level > KNOWN_LEVEL_MAX ? `after ${release} (metadata.version level ${level})` : release;
}

/** Answered with the highest supported level of `metadata.version`, or null. */
export const featureLevelCall: WireCall<{ readonly level: number | null }> = {
  request: {
    apiKey: internals.apiKeys.ApiVersions,
    apiVersion: REQUEST_VERSION,
    apiName: 'ApiVersions',
    encode: () => {
      // The rest of a flexible header (no tags), client name and version as compact strings, no tags.
      const body = Buffer.from([0, 7, ...Buffer.from('sluice'), 2, ...Buffer.from('1'), 0]);
      return Promise.resolve({ buf: body, buffer: body });
    },
  },
  response: {
    decode: (payload) => Promise.resolve({ level: decodeLevel(payload) }),
    parse: (decoded) => Promise.resolve(decoded),
  },
};

/** error | compact array of (key, min, max, tags) | throttle | tags: 0 = compact array of (name, min, max, tags) */
export function decodeLevel(payload: Buffer): number | null {
  let at = 0;
  if (payload.readInt16BE(0) !== 0) return null;
  at += 2;
  for (let left = uvarint() - 1; left > 0; left -= 1) {
    at += 6;
    skipTags();
  }
  at += 4;
  for (let tags = uvarint(); tags > 0; tags -= 1) {
    const tag = uvarint();
    const end = uvarint() + at;
    if (tag === SUPPORTED_FEATURES_TAG) return readFeatures();
    at = end;
  }
  return null;

  function readFeatures(): number | null {
    for (let left = uvarint() - 1; left > 0; left -= 1) {
      const length = uvarint() - 1;
      const name = payload.toString('utf8', at, at + length);
      const max = payload.readInt16BE(at + length + 2);
      if (name === 'metadata.version') return max;
      at += length + 4;
      skipTags();
    }
    return null;
  }

  function skipTags(): void {
    for (let tags = uvarint(); tags > 0; tags -= 1) {
      uvarint();
      const length = uvarint();
      at += length;
    }
  }

  function uvarint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = payload.readUInt8(at);
      at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }
}

/** Older brokers answer an ApiVersions version that they do not know with an error; they need not be asked. */
export function canTellFeatures(
  versions: Readonly<Record<number, { readonly maxVersion: number } | undefined>>,
): boolean {
  return (versions[internals.apiKeys.ApiVersions]?.maxVersion ?? 0) >= REQUEST_VERSION;
}
