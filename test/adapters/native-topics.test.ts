/** What the native backend makes of topic options, keys and ids: the engine's abilities in the words of the port. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type MessagingPort, openPort } from '../../src/adapters/index.ts';

async function nativePort(): Promise<{ readonly port: MessagingPort; reopen(): Promise<MessagingPort> }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-native-'));
  const open = async () => await openPort({ backend: 'native', config: { dataDir } });
  let port = await open();
  onTestFinished(async () => {
    await port.close();
    await rm(dataDir, { recursive: true, force: true });
  });
  return {
    port,
    reopen: async () => {
      await port.close();
      port = await open();
      return port;
    },
  };
}

describe('a topic of the native backend', () => {
  it('takes the options of the log by their names, and refuses others and wrong values', async () => {
    const { port } = await nativePort();
    const options = { segmentMs: 60_000, maxRecordBytes: 500, timestampType: 'append', deleteRetentionMs: 1 };
    await port.createTopic({ name: 't', options });
    const [refused] = await port.publish('t', [{ value: Buffer.alloc(501) }]);
    expect(refused).toMatchObject({ kind: 'refused', error: { code: 'message_too_large' } });
    const unknown = port.createTopic({ name: 'u', options: { 'flush.messages': 1 } });
    await expect(unknown).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('flush.messages'),
    });
    const wrong = port.createTopic({ name: 'u', options: { segmentMs: 'soon' } });
    await expect(wrong).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('segmentMs'),
    });
    await expect(port.describeTopic('u')).rejects.toMatchObject({ code: 'topic_not_found' });
  });

  it('that is compacted refuses of a batch exactly the messages without a key', async () => {
    const { port } = await nativePort();
    await port.createTopic({ name: 't', cleanup: 'compact' });
    const outcomes = await port.publish('t', [{ key: 'a', value: '1' }, { value: 'none' }, { key: 'b', value: '2' }]);
    expect(outcomes.map((outcome) => (outcome.kind === 'refused' ? outcome.error.code : outcome.kind))).toEqual([
      'stored',
      'invalid_argument',
      'stored',
    ]);
    expect((await port.read('t', 0, 'earliest', 10)).messages.map(({ value }) => String(value))).toEqual(['1', '2']);
  });
});

describe('a message with an id', () => {
  it('is told apart from new ones in the same publish and after a restart, and keeps id, type and headers', async () => {
    const { port, reopen } = await nativePort();
    await port.createTopic({ name: 't' });
    const once = { id: 'once', value: 'v', contentType: 'text/plain', headers: [{ name: 'h', value: 'x' }] };
    await port.publish('t', [{ value: 'before' }, once]);
    const again = await reopen();
    const outcomes = await again.publish('t', [{ value: 'new' }, once, { value: 'newer' }]);
    expect(outcomes).toMatchObject([
      { kind: 'stored', offset: 2 },
      { kind: 'stored', offset: 1, duplicate: true, id: 'once' },
      { kind: 'stored', offset: 3 },
    ]);
    expect(outcomes[0]).not.toHaveProperty('duplicate');
    const { messages } = await again.read('t', 0, 'earliest', 10);
    expect(messages.map(({ value }) => String(value))).toEqual(['before', 'v', 'new', 'newer']);
    expect(messages[1]).toMatchObject({
      id: 'once',
      contentType: 'text/plain',
      headers: [{ name: 'h', value: Buffer.from('x') }],
    });
    expect(messages[0]?.id).not.toBeNull();
  });

  it('comes to the dead letters as often as it is rejected: its id is no reason to drop it there', async () => {
    const { port } = await nativePort();
    await port.createTopic({ name: 't' });
    for (const name of ['one', 'two'])
      await port.createSubscription({ name, topic: 't', start: 'earliest', deadLetterTopic: 'dead' });
    await port.publish('t', [{ id: 'once', value: 'v' }]);
    for (const name of ['one', 'two']) {
      const consumer = await port.subscribe(name, { credit: { messages: 1 } });
      const [delivery] = await consumer.pull({ maxMessages: 1, waitMs: 5_000 });
      await port.reject(name, [delivery?.token ?? '']);
      await consumer.close();
    }
    const { messages } = await port.read('dead', 0, 'earliest', 10);
    expect(messages.map(({ id }) => id)).toEqual(['once', 'once']);
  });
});
