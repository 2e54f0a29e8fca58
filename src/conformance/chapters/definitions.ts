/** Contract: topics and subscriptions as definitions, and the answers to names and options that are wrong. */

import { capabilityNames } from '../../adapters/capabilities.ts';
import type { SubscriptionOptions, TopicOptions } from '../../adapters/port.ts';
import { type Chapter, contract } from '../chapter.ts';
import { check, equal, rejects, sameItems } from '../expect.ts';
import { NOT_FOUND_WITHIN_MS } from '../timing.ts';
import type { World } from '../world.ts';
import { numbered, texts } from '../world.ts';

export const definitionChapters: readonly Chapter[] = [
  contract('an unknown topic is answered topic_not_found within a second, whatever is asked of it', async (world) => {
    const { port } = world;
    const name = world.name('nowhere');
    const calls: readonly [string, () => Promise<unknown>][] = [
      ['publish to', async () => await port.publish(name, [{ value: 'lost?' }])],
      ['describeTopic of', async () => await port.describeTopic(name)],
      ['deleteTopic of', async () => await port.deleteTopic(name)],
      ['createSubscription on', async () => await port.createSubscription({ name: world.name('sub'), topic: name })],
      ['read of', async () => await port.read(name, 0, 'earliest', 10)],
    ];
    for (const [what, call] of calls)
      await rejects('topic_not_found', `${what} an unknown topic`, call, NOT_FOUND_WITHIN_MS);
  }),

  contract(
    'an unknown subscription is answered subscription_not_found within a second, whatever is asked of it',
    async (world) => {
      const { port } = world;
      const name = world.name('nobody');
      const calls: readonly [string, () => Promise<unknown>][] = [
        ['subscribe to', async () => await port.subscribe(name, { credit: { messages: 1 } })],
        ['describeSubscription of', async () => await port.describeSubscription(name)],
        ['deleteSubscription of', async () => await port.deleteSubscription(name)],
        ['ack on', async () => await port.ack(name, ['token'])],
        ['nack on', async () => await port.nack(name, ['token'])],
        ['seek of', async () => await port.seek(name, 'earliest')],
        ['lag of', async () => await port.lag(name)],
      ];
      for (const [what, call] of calls) {
        await rejects('subscription_not_found', `${what} an unknown subscription`, call, NOT_FOUND_WITHIN_MS);
      }
    },
  ),

  contract(
    'creating the same topic again changes nothing, creating another one under its name is already_exists',
    async (world) => {
      const options: TopicOptions = { ...world.topicOptions(), partitions: 2 };
      world.owns(options.name);
      const first = await world.port.createTopic(options);
      equal(
        [first.created, first.definition.name, first.definition.partitions],
        [true, options.name, 2],
        'the first create',
      );
      const again = await world.port.createTopic(options);
      equal(again, { created: false, definition: first.definition }, 'the second create');
      equal(await world.port.describeTopic(options.name), first.definition, 'the description');
      await rejects(
        'already_exists',
        'a create with other partitions',
        async () => await world.port.createTopic({ ...options, partitions: 3 }),
      );
      equal((await world.port.describeTopic(options.name)).partitions, 2, 'partitions after the refused create');
    },
  ),

  contract(
    'creating the same subscription again changes nothing, another one under its name is already_exists',
    async (world) => {
      const topic = await world.topic();
      const options: SubscriptionOptions = {
        name: world.name('sub'),
        topic,
        onExhausted: 'drop',
        ackDeadlineMs: 12_345,
      };
      const first = await world.port.createSubscription(options);
      equal([first.created, first.definition.ackDeadlineMs], [true, 12_345], 'the first create');
      equal(
        await world.port.createSubscription(options),
        { created: false, definition: first.definition },
        'the second create',
      );
      equal(await world.port.describeSubscription(options.name), first.definition, 'the description');
      const other = { ...options, ackDeadlineMs: 54_321 };
      await rejects(
        'already_exists',
        'a create with another deadline',
        async () => await world.port.createSubscription(other),
      );
    },
  ),

  contract('a second create of a subscription does not take away what waits for it', async (world) => {
    const { topic, subscription, consumer } = await world.reader();
    const values = numbered(5);
    await world.publishValues(topic, values);
    await world.port.createSubscription({ name: subscription, topic, onExhausted: 'drop' });
    sameItems(texts(await world.receiveAll(consumer, 5)), values, 'messages after the second create');
  }),

  contract('every default of a subscription is filled in as documented', async (world) => {
    const topic = await world.topic();
    const name = world.name('sub');
    const options: SubscriptionOptions = world.claims('deadLetter')
      ? { name, topic }
      : { name, topic, onExhausted: 'drop' };
    world.owns(`${name}.dead`);
    const { definition } = await world.port.createSubscription(options);
    equal(
      [
        definition.start,
        definition.ordering,
        definition.ackDeadlineMs,
        definition.maxInFlight.messages,
        definition.maxInFlight.bytes,
      ],
      ['latest', 'none', 30_000, 1_000, 16 * 1024 * 1024],
      'start, ordering, ackDeadlineMs, maxInFlight',
    );
    const { retry } = definition;
    equal([retry.minBackoffMs, retry.maxBackoffMs, retry.maxAttempts], [100, 60_000, 5], 'retry');
    equal(
      [definition.onExhausted, definition.deadLetterTopic],
      world.claims('deadLetter') ? ['deadLetter', `${name}.dead`] : ['drop', null],
      'onExhausted and dead-letter topic',
    );
  }),

  contract('lists show what exists and forget what was deleted', async (world) => {
    const topic = await world.topic();
    const subscription = await world.subscription(topic);
    check(await topicIsListed(world, topic), `listTopics does not show "${topic}"`);
    check(await subscriptionIsListed(world, subscription), `listSubscriptions does not show "${subscription}"`);
    await world.port.deleteSubscription(subscription);
    check(!(await subscriptionIsListed(world, subscription)), 'a deleted subscription is still listed');
    await world.port.deleteTopic(topic);
    check(!(await topicIsListed(world, topic)), 'a deleted topic is still listed');
  }),

  contract('deleting a topic removes its subscriptions and its messages', async (world) => {
    const { topic, subscription } = await world.reader();
    await world.publishValues(topic, ['old']);
    await world.port.deleteTopic(topic);
    await rejects(
      'topic_not_found',
      'a publish to the deleted topic',
      async () => await world.port.publish(topic, [{ value: 'x' }]),
    );
    const describe = async (): Promise<unknown> => await world.port.describeSubscription(subscription);
    await rejects('subscription_not_found', 'its subscription', describe);
  }),

  contract('a consumer whose subscription is deleted is told subscription_not_found', async (world) => {
    const { subscription, consumer } = await world.reader();
    const waiting = rejects(
      'subscription_not_found',
      'the waiting pull',
      async () => await consumer.pull({ maxMessages: 1, waitMs: world.timing.deadlineMs }),
      world.timing.deadlineMs - 1,
    );
    await Promise.all([waiting, world.port.deleteSubscription(subscription)]);
  }),

  contract('names that are no names are invalid_argument', async (world) => {
    const topic = await world.topic();
    for (const name of ['', '-leading', 'has space', 'a/b', 'ü', 'x'.repeat(250)]) {
      await rejects(
        'invalid_argument',
        `topic name ${JSON.stringify(name)}`,
        async () => await world.port.createTopic({ name }),
      );
      const create = async (): Promise<unknown> =>
        await world.port.createSubscription({ name, topic, onExhausted: 'drop' });
      await rejects('invalid_argument', `subscription name ${JSON.stringify(name)}`, create);
    }
  }),

  contract(
    'unknown fields are unknown_field, values out of range invalid_argument: nothing is ignored',
    async (world) => {
      const { port } = world;
      const topic = await world.topic();
      const fresh = world.topicOptions();
      world.owns(fresh.name);
      const withUnknown = { ...fresh, partitons: 3 } as TopicOptions;
      await rejects('unknown_field', 'a topic with a misspelt field', async () => await port.createTopic(withUnknown));
      await rejects(
        'invalid_argument',
        'a topic of 0 partitions',
        async () => await port.createTopic({ ...fresh, partitions: 0 }),
      );
      const subscription = { name: world.name('sub'), topic, onExhausted: 'drop' } as const;
      const misspelt = { ...subscription, orderin: 'key' } as SubscriptionOptions;
      await rejects(
        'unknown_field',
        'a subscription with a misspelt field',
        async () => await port.createSubscription(misspelt),
      );
      const bad: readonly [string, Partial<SubscriptionOptions>][] = [
        ['ordering "random"', { ordering: 'random' as 'none' }],
        ['ackDeadlineMs 0', { ackDeadlineMs: 0 }],
        ['maxAttempts 0', { retry: { maxAttempts: 0 } }],
        ['minBackoffMs above maxBackoffMs', { retry: { minBackoffMs: 10, maxBackoffMs: 5 } }],
        ['requires of a capability that does not exist', { requires: ['teleportation'] }],
      ];
      for (const [what, change] of bad) {
        const create = async (): Promise<unknown> => await port.createSubscription({ ...subscription, ...change });
        await rejects('invalid_argument', `a subscription with ${what}`, create);
      }
    },
  ),

  contract('a subscription may require exactly the capabilities that are claimed', async (world) => {
    const topic = await world.topic();
    const claimed = capabilityNames.filter((capability) => world.claims(capability));
    const all = await world.subscription(topic, { requires: claimed });
    equal((await world.port.describeSubscription(all)).requires, [...claimed].toSorted(), 'the requirements');
    for (const capability of capabilityNames) {
      if (world.claims(capability)) continue;
      const options = { name: world.name('sub'), topic, onExhausted: 'drop', requires: [capability] } as const;
      const create = async (): Promise<unknown> => await world.port.createSubscription(options);
      const error = await rejects('capability_unsupported', `requires: ["${capability}"]`, create);
      equal(error.capability, capability, 'the capability that the error names');
    }
  }),

  contract('every claim says how, and the health of a port that works is ok', async (world) => {
    for (const capability of capabilityNames) {
      const claim = world.capabilities[capability];
      check(claim !== undefined && claim.how.length > 0, `${capability} has a claim with a sentence how`);
    }
    const health = await world.port.health();
    check(health.ok, `health: ${health.detail}`);
    const { backend, product, version } = world.port.info;
    check(backend !== '' && product !== '' && version !== '', 'info names backend, product and version');
  }),
];

async function topicIsListed(world: World, topic: string): Promise<boolean> {
  return (await world.port.listTopics()).some(({ name }) => name === topic);
}

async function subscriptionIsListed(world: World, subscription: string): Promise<boolean> {
  return (await world.port.listSubscriptions()).some(({ name }) => name === subscription);
}
