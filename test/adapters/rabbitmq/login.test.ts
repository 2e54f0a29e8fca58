/** What a connection to RabbitMQ shows, and a mapping of what is there: complete, or every part that is wrong is told. */

import { expect, it } from 'vitest';
import { PortError } from '../../../src/adapters/errors.ts';
import { parseOptions } from '../../../src/adapters/rabbitmq/options.ts';

const secure = 'amqps://h:5671';

it.each([
  ['a user without a password', { username: 'u' }, ['password']],
  ['a password without a user', { passwordFile: 'f' }, ['username']],
  ['a password twice', { username: 'u', password: 'p', passwordFile: 'f' }, ['passwordFile']],
  ['a user twice', { url: 'amqps://u:p@h', username: 'u', password: 'p' }, ['username']],
  ['a certificate without TLS', { url: 'amqp://h', tls: { caFile: 'c' } }, ['tls']],
  ['a certificate without its key', { tls: { certFile: 'c' } }, ['tls.keyFile']],
  ['external without a certificate', { mechanism: 'external', username: 'u' }, ['tls.certFile', 'username']],
  ['a mechanism that is none', { mechanism: 'ntlm' }, ['mechanism']],
  ['an empty vhost', { vhost: '' }, ['vhost']],
  ['a mapping of what is made', { topics: [], subscriptions: [] }, ['subscriptions', 'topics']],
])('%s is refused', (_, options, paths) => {
  expect(problemsOf({ url: secure, ...options })).toEqual(paths);
});

it('a vhost goes into the addresses that name none', () => {
  const urls = ['amqps://h', 'amqps://h/', 'amqps://h/own'];
  expect(parseOptions({ urls, vhost: 'a/b' }).urls.map((url) => new URL(url).pathname)).toEqual([
    '/a%2Fb',
    '/a%2Fb',
    '/own',
  ]);
});

it('says who logs in, and never with what', () => {
  const { login, urls } = parseOptions({ url: secure, username: 'shop', password: 'hidden' });
  expect(login.who(urls[0] ?? '')).toBe('user "shop"');
  const inAddress = parseOptions({ url: 'amqps://sh%6Fp:hidden@h' });
  expect(inAddress.login.who(inAddress.urls[0] ?? '')).toBe('user "shop"');
  expect(JSON.stringify(login)).not.toContain('hidden');
});

it('a mapping has all that its topics and subscriptions need', () => {
  const topics = [
    { name: 'a', exchange: 'x', routingKeys: ['k', 'k'], queueType: 'quorum' },
    { name: 'b', queueType: 'classic', routingKeys: [] },
    { name: 'c', exchange: '', routingKeys: ['c'], queueType: 'stream' },
    { name: 'd', exchange: '', routingKeys: ['d'], queueType: 'quorum', partitions: 2 },
    { name: 'e', exchange: '', routingKeys: ['e'] },
  ];
  const subscriptions = [
    { name: 's', topic: 'd', queues: ['q', 'r'], onExhausted: 'drop' },
    { name: 't', topic: 'd', ordering: 'key', queues: ['q'], onExhausted: 'drop' },
    { name: 'u', topic: 'd', queues: ['q'], start: 'latest' },
  ];
  expect(problemsOf({ url: secure, manage: 'none', topics, subscriptions })).toEqual([
    'subscriptions (u).deadLetterTopic',
    'subscriptions[0].queues',
    'subscriptions[1].singleActiveConsumer',
    'subscriptions[2].start',
    'topics[0].routingKeys',
    'topics[1].exchange',
    'topics[1].routingKeys',
    'topics[2].streams',
    'topics[3].partitions',
    'topics[4].queueType',
  ]);
});

function problemsOf(config: Record<string, unknown>): string[] {
  try {
    parseOptions(config);
  } catch (reason) {
    return (PortError.from(reason).errors ?? []).map(({ path }) => path).toSorted();
  }
  return [];
}
