/**
 * Asks an address whether a broker answers there, in the broker's own protocol and without a client library: an open port alone
 * says little (both brokers listen before they serve). One connection a question, closed afterwards.
 */

import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { BrokersError } from './errors.ts';
import { limits } from './limits.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Reads `host:port`; throws `invalid_argument` for anything else. */
export function parseHostPort(text: string): Address {
  const parts = /^(?:\[([^\]]+)\]|([^:\s[\]]+)):(\d{1,5})$/.exec(text.trim());
  const host = parts?.[1] ?? parts?.[2];
  const port = Number(parts?.[3]);
  if (host === undefined || !(port > 0 && port < 65_536))
    throw new BrokersError('invalid_argument', `"${text}" is not host:port`);
  return { host, port };
}

/** Reads the address out of amqp:// or amqps://; throws `invalid_argument` for anything else. */
export function parseAmqpUrl(text: string): Address & { readonly isTls: boolean } {
  if (!URL.canParse(text)) throw new BrokersError('invalid_argument', 'the RabbitMQ address is not a URL');
  const url = new URL(text);
  if (url.protocol !== 'amqp:' && url.protocol !== 'amqps:')
    throw new BrokersError('invalid_argument', `"${url.protocol}" is not amqp: or amqps:`);
  const isTls = url.protocol === 'amqps:';
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return { host, port: Number(url.port) || (isTls ? 5671 : 5672), isTls };
}

/** Resolves with the server's version, taken from the first frame it sends; throws `failed` when there is no such answer. */
export async function probeRabbitMq(url: string): Promise<string> {
  const { host, port, isTls } = parseAmqpUrl(url);
  const header = Buffer.from('AMQP\0\0\x09\x01', 'latin1');
  const frame = await ask({ host, port }, header, amqpFrameLength, isTls);
  return versionOfConnectionStart(frame);
}

/**
 * The first bytes an AMQP 0-9-1 server sends:
 *
 *   type:1 = 1   channel:2   size:4   | class:2 = 10  method:2 = 10  major:1  minor:1  server-properties: table  ... |  end:1
 */
export function versionOfConnectionStart(frame: Buffer): string {
  if (frame.length < 19 || frame.readUInt8(0) !== 1 || frame.readUInt32BE(7) !== 0x000a000a)
    throw new BrokersError('failed', 'the answer is not AMQP 0-9-1');
  const tableEnd = 17 + frame.readUInt32BE(13);
  let at = 17;
  while (at < tableEnd) {
    const nameEnd = at + 1 + frame.readUInt8(at);
    const name = frame.toString('utf8', at + 1, nameEnd);
    const type = String.fromCharCode(frame.readUInt8(nameEnd));
    // Every top-level value of this table is a long string, a table or a boolean.
    if (type === 't') {
      at = nameEnd + 2;
      continue;
    }
    if (type !== 'S' && type !== 'F') break;
    const end = nameEnd + 5 + frame.readUInt32BE(nameEnd + 1);
    if (name === 'version') return frame.toString('utf8', nameEnd + 5, end);
    at = end;
  }
  return 'unknown';
}

/** Resolves with the highest `metadata.version` level it supports (null when it tells none); throws `failed` without an answer. */
export async function probeKafka(address: Address): Promise<number | null> {
  const answer = await ask(address, kafkaRequest(API_VERSIONS, 3, true, softwareName()), kafkaLength);
  const error = answer.readInt16BE(8);
  if (error !== 0) throw new BrokersError('failed', `ApiVersions was answered with error ${error}`);
  return metadataVersionLevel(answer);
}

/** Resolves with the number of brokers that this one knows to be alive. */
export async function kafkaBrokerCount(address: Address): Promise<number> {
  // Metadata version 1 with an empty list of topics; the answer starts with the brokers.
  const answer = await ask(address, kafkaRequest(METADATA, 1, false, Buffer.alloc(4)), kafkaLength);
  return answer.readInt32BE(8);
}

/** Resolves with the id of the node that leads a partition; throws `failed` when the broker knows of none. */
export async function kafkaLeader(address: Address, topic: string, partition: number): Promise<number> {
  const name = Buffer.from(topic);
  const body = Buffer.alloc(6 + name.length);
  body.writeInt32BE(1, 0);
  body.writeInt16BE(name.length, 4);
  name.copy(body, 6);
  const leader = leaderIn(await ask(address, kafkaRequest(METADATA, 1, false, body), kafkaLength), partition);
  if (leader === null || leader < 0)
    throw new BrokersError('failed', `${address.host}:${address.port}: no leader of ${topic}-${partition}`);
  return leader;
}

/**
 * The answer to Metadata 1 about one topic, after size:4 correlation:4 -
 *
 *   brokers: [ id:4 host:string port:4 rack:string? ]   controller:4
 *   topics:  [ error:2 name:string internal:1 partitions: [ error:2 partition:4 leader:4 replicas:[4] in-sync:[4] ] ]
 */
export function leaderIn(answer: Buffer, partition: number): number | null {
  let at = 8;
  const int32 = (): number => answer.readInt32BE((at += 4) - 4);
  const skipText = (): void => void (at += 2 + Math.max(0, answer.readInt16BE(at)));
  for (let left = int32(); left > 0; left -= 1) {
    at += 4;
    skipText();
    at += 4;
    skipText();
  }
  at += 4;
  if (int32() !== 1) return null;
  at += 2;
  skipText();
  at += 1;
  for (let left = int32(); left > 0; left -= 1) {
    at += 2;
    const [id, leader] = [int32(), int32()];
    const replicas = int32();
    at += 4 * replicas;
    const inSync = int32();
    at += 4 * inSync;
    if (id === partition) return leader;
  }
  return null;
}

const API_VERSIONS = 18;
const METADATA = 3;

/** size:4 | key:2 version:2 correlation:4 client-id: nullable string | (flexible versions: tags:1) | body */
function kafkaRequest(key: number, version: number, isFlexible: boolean, body: Buffer): Buffer {
  const clientId = Buffer.from('sluice-probe');
  const head = Buffer.alloc(14);
  head.writeInt16BE(key, 4);
  head.writeInt16BE(version, 6);
  head.writeInt32BE(1, 8);
  head.writeInt16BE(clientId.length, 12);
  const request = Buffer.concat([head, clientId, Buffer.alloc(isFlexible ? 1 : 0), body]);
  request.writeInt32BE(request.length - 4, 0);
  return request;
}

/** ApiVersions 3 wants to know the client: two compact strings (length + 1, bytes) and no tags. */
function softwareName(): Buffer {
  const compact = (text: string) => Buffer.concat([Buffer.from([text.length + 1]), Buffer.from(text)]);
  return Buffer.concat([compact('sluice-probe'), compact('1'), Buffer.from([0])]);
}

/**
 * ApiVersions 3 after size:4 correlation:4 error:2 -
 *
 *   apis: compact array of { key:2 min:2 max:2 tags }   throttle:4   tags { 0: compact array of { name min:2 max:2 tags } }
 *
 * Tag 0 is the list of features that this broker's software supports, `metadata.version` among them.
 */
export function metadataVersionLevel(answer: Buffer): number | null {
  const reader = new CompactReader(answer, 10);
  for (let left = reader.uvarint() - 1; left > 0; left--) {
    reader.skip(6);
    reader.skipTags();
  }
  reader.skip(4);
  for (let tags = reader.uvarint(); tags > 0; tags--) {
    const tag = reader.uvarint();
    const size = reader.uvarint();
    if (tag !== 0) {
      reader.skip(size);
      continue;
    }
    for (let left = reader.uvarint() - 1; left > 0; left--) {
      const name = reader.text(reader.uvarint() - 1);
      reader.skip(2);
      const max = reader.int16();
      reader.skipTags();
      if (name === 'metadata.version') return max;
    }
  }
  return null;
}

class CompactReader {
  #at: number;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  uvarint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes.readUInt8(this.#at++);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  int16(): number {
    this.#at += 2;
    return this.#bytes.readInt16BE(this.#at - 2);
  }

  text(length: number): string {
    this.#at += length;
    return this.#bytes.toString('utf8', this.#at - length, this.#at);
  }

  skip(count: number): void {
    this.#at += count;
  }

  skipTags(): void {
    for (let tags = this.uvarint(); tags > 0; tags--) {
      this.uvarint();
      this.skip(this.uvarint());
    }
  }
}

function kafkaLength(head: Buffer): number | null {
  return head.length < 4 ? null : 4 + head.readInt32BE(0);
}

function amqpFrameLength(head: Buffer): number | null {
  // A server that wants another protocol version answers with the 8 bytes of its own header.
  if (head.length >= 4 && head.toString('latin1', 0, 4) === 'AMQP') return 8;
  return head.length < 7 ? null : 8 + head.readUInt32BE(3);
}

const ANSWER_MAX_BYTES = 1024 * 1024;

/** Sends one request and resolves with one whole answer, its length told by `lengthOf`. */
function ask(
  address: Address,
  request: Buffer,
  lengthOf: (head: Buffer) => number | null,
  isTls = false,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // The certificate is the client's to check; here only an answer counts.
    const socket: Socket = isTls ? connectTls({ ...address, rejectUnauthorized: false }) : connectTcp(address);
    let received = Buffer.alloc(0);
    const fail = (why: string, cause?: unknown) => {
      socket.destroy();
      reject(new BrokersError('failed', `${address.host}:${address.port}: ${why}`, { cause }));
    };
    const timer = setTimeout(() => fail(`no answer in ${limits.probeMs} ms`), limits.probeMs);
    socket.once(isTls ? 'secureConnect' : 'connect', () => socket.write(request));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const length = lengthOf(received);
      if (length !== null && (length < 8 || length > ANSWER_MAX_BYTES)) fail('the answer makes no sense');
      else if (length !== null && received.length >= length) {
        socket.destroy();
        resolve(received.subarray(0, length));
      }
    });
    socket.once('error', (caught) => fail(caught.message, caught));
    socket.once('close', () => {
      clearTimeout(timer);
      fail('closed without an answer');
    });
  });
}
