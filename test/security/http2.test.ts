/** S6 and S7 over HTTP/2: bombs in messages, floods of frames. The gateway goes on serving others, and ends what floods it. */

import { connect as connectHttp2, constants } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { gatewayLimits } from '../../src/gateway/limits.ts';
import { guarded, type Guarded } from '../gateway/access/support.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
/** :method POST, :scheme http, :path / of the static table. */
const HEAD_BLOCK = Buffer.from('838684', 'hex');
const TYPE = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7, continuation: 9 } as const;

describe('S7 floods', { timeout: 60_000 }, () => {
  it('rapid reset: streams opened and reset by the thousand end the connection, and others are served', async () => {
    const world = await guarded({});
    const flood = await flooding(world);
    const others = servedMeanwhile(world);
    for (let batch = 0; batch < 200 && flood.isOpen(); batch += 1) {
      const frames: Buffer[] = [];
      for (let each = 0; each < 100; each += 1) {
        const stream = 1 + 2 * (batch * 100 + each);
        frames.push(
          frame(TYPE.headers, 4, stream, HEAD_BLOCK),
          frame(TYPE.reset, 0, stream, Buffer.from([0, 0, 0, 8])),
        );
      }
      await flood.write(Buffer.concat(frames));
    }
    await expect.poll(() => flood.isOpen()).toBe(false);
    expect(flood.types()).toContain(TYPE.goaway);
    await others();
  });

  it('CONTINUATION without an end is cut before it costs memory', async () => {
    const world = await guarded({});
    const flood = await flooding(world);
    const before = process.memoryUsage().rss;
    await flood.write(frame(TYPE.headers, 0, 1, HEAD_BLOCK));
    const field = Buffer.concat([
      Buffer.from([0x00, 0x01]),
      Buffer.from('a'),
      Buffer.from([0x7f, 0x81, 0x7c]),
      Buffer.alloc(16_000, 'x'),
    ]);
    for (let sent = 0; sent < 5_000 && flood.isOpen(); sent += 1)
      await flood.write(frame(TYPE.continuation, 0, 1, field));
    await expect.poll(() => flood.isOpen()).toBe(false);
    expect(process.memoryUsage().rss - before).toBeLessThan(128 * 1024 * 1024);
    await servedMeanwhile(world)();
  });

  it.each([
    ['PING', frame(TYPE.ping, 0, 0, Buffer.alloc(8))],
    ['SETTINGS', frame(TYPE.settings, 0, 0)],
  ])('%s by the hundred thousand, whose answers nobody reads, ends the connection', async (_, one) => {
    const world = await guarded({});
    const flood = await flooding(world);
    flood.socket.pause();
    const others = servedMeanwhile(world);
    const many = Buffer.concat(Array(1_000).fill(one) as Buffer[]);
    for (let batch = 0; batch < 300 && flood.isOpen(); batch += 1) await flood.write(many);
    flood.socket.resume();
    await expect.poll(() => flood.isOpen()).toBe(false);
    await others();
  });

  it('more streams at a time than there may be are refused, and others are served', async () => {
    const world = await guarded({});
    const session = connectHttp2(`http://${world.gateway.grpcAddress}`);
    onTestFinished(() => session.destroy());
    session.on('error', () => undefined);
    await new Promise((resolve) => session.once('remoteSettings', resolve));
    expect(session.remoteSettings.maxConcurrentStreams).toBe(gatewayLimits.grpcCallsPerConnectionMax);
    const flood = await flooding(world);
    const frames: Buffer[] = [];
    for (let each = 0; each < 1_100; each += 1) frames.push(frame(TYPE.headers, 4, 1 + 2 * each, HEAD_BLOCK));
    await flood.write(Buffer.concat(frames));
    const refused: number[] = [TYPE.reset, TYPE.goaway];
    await expect.poll(() => flood.types().some((type) => refused.includes(type))).toBe(true);
    await servedMeanwhile(world)();
  });
});

describe('S6 a bomb in a gRPC message', () => {
  it('is refused at the limit of a message, not opened whole', async () => {
    const world = await guarded({});
    const bomb = gzipSync(Buffer.alloc(512 * 1024 * 1024));
    const before = process.memoryUsage().rss;
    const session = connectHttp2(`http://${world.gateway.grpcAddress}`);
    onTestFinished(() => session.destroy());
    const stream = session.request({
      ':method': 'POST',
      ':path': '/sluice.v1.Publisher/Publish',
      'content-type': 'application/grpc',
      'grpc-encoding': 'gzip',
      te: 'trailers',
    });
    const head = Buffer.alloc(5);
    head[0] = 1;
    head.writeUInt32BE(bomb.length, 1);
    const status = await new Promise((resolve, reject) => {
      const told = (headers: Record<string, unknown>): void => {
        if (headers['grpc-status'] !== undefined) resolve(Number(headers['grpc-status']));
      };
      stream.on('response', told);
      stream.on('trailers', told);
      stream.on('error', (error: Error & { code?: string }) =>
        error.code === 'ERR_HTTP2_STREAM_ERROR' ? undefined : reject(error),
      );
      stream.resume();
      stream.end(Buffer.concat([head, bomb]));
    });
    // RESOURCE_EXHAUSTED
    expect(status).toBe(8);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024 + bomb.length * 4);
    await servedMeanwhile(world)();
  });
});

interface Flood {
  readonly socket: Socket;
  readonly isOpen: () => boolean;
  /** Types of the frames that came back. */
  readonly types: () => readonly number[];
  /** Resolves when it is written or the connection is over. */
  write(bytes: Buffer): Promise<void>;
}

async function flooding(world: Guarded): Promise<Flood> {
  const socket = connect(Number(world.gateway.grpcAddress?.split(':').at(-1)), '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  let isOpen = true;
  let pending = Buffer.alloc(0);
  const types: number[] = [];
  socket.on('error', () => undefined);
  socket.on('close', () => {
    isOpen = false;
  });
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 9 && pending.length >= 9 + pending.readUIntBE(0, 3)) {
      types.push(pending[3] ?? -1);
      pending = pending.subarray(9 + pending.readUIntBE(0, 3));
    }
  });
  const write = async (bytes: Buffer): Promise<void> =>
    await new Promise((resolve) => {
      if (!isOpen || !socket.writable) {
        resolve();
        return;
      }
      const timer = setTimeout(resolve, 200);
      socket.write(bytes, () => {
        clearTimeout(timer);
        resolve();
      });
    });
  await write(Buffer.concat([PREFACE, frame(TYPE.settings, 0, 0)]));
  await expect.poll(() => types).toContain(TYPE.settings);
  return { socket, isOpen: () => isOpen, types: () => types, write };
}

/** Asks on a connection of its own until it is told to stop: each call must be answered in time. */
function servedMeanwhile(world: Guarded): () => Promise<void> {
  const session = connectHttp2(`http://${world.gateway.grpcAddress}`);
  onTestFinished(() => session.destroy());
  let isOver = false;
  const ask = async (): Promise<void> => {
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: '/sluice.v1.Admin/ListTopics',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.end(Buffer.alloc(5));
    stream.resume();
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('another client was not served')), 5_000);
      stream.once('trailers', (trailers) => {
        clearTimeout(timer);
        if (trailers['grpc-status'] === '0') resolve();
        else reject(new Error(`status ${String(trailers['grpc-status'])}`));
      });
      stream.once('error', reject);
    });
  };
  const asking = (async () => {
    do await ask();
    while (!isOver);
  })();
  // Looked at when it is told to stop.
  asking.catch(() => undefined);
  return async () => {
    isOver = true;
    await asking;
    await ask();
  };
}

function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}
