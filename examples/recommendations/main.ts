/**
 * A recommendation stream: who bought this also bought. Baskets are published as they are sold; a model counts which items are
 * bought together. Then the model's memory is lost, and it is built again from the stream; then its formula is another one, and
 * the whole history is read with the new formula. Both need a backend that keeps what was acknowledged.
 */

import { openGateway } from '../gateway.ts';
import { seeded } from '../seeded.ts';
import { until } from '../waiting.ts';

interface Basket {
  readonly customer: string;
  readonly items: readonly string[];
}

const basketCount = 400;
/** What is bought together, by habit. */
const habits = [
  ['coffee', 'filter', 'milk', 'sugar'],
  ['pasta', 'tomatoes', 'basil', 'parmesan'],
  ['nappies', 'wipes', 'cream'],
  ['beer', 'crisps', 'charcoal'],
];
/** Bought by everybody, so that it stands beside everything without meaning anything. */
const everyday = 'bag';

/** Counts of items and of pairs: all that both formulas need. Each basket once, however often it is delivered. */
class Model {
  readonly #items = new Map<string, number>();
  readonly #pairs = new Map<string, Map<string, number>>();
  readonly #baskets = new Set<string>();

  get size(): number {
    return this.#baskets.size;
  }

  learn(id: string, { items }: Basket): void {
    if (this.#baskets.has(id)) return;
    this.#baskets.add(id);
    for (const item of items) {
      this.#items.set(item, (this.#items.get(item) ?? 0) + 1);
      const beside = this.#pairs.get(item) ?? new Map<string, number>();
      this.#pairs.set(item, beside);
      for (const other of items) if (other !== item) beside.set(other, (beside.get(other) ?? 0) + 1);
    }
  }

  /** `together`: how often. `lift`: how much more often than by chance, which forgets what everybody buys. */
  recommend(item: string, formula: 'together' | 'lift'): readonly string[] {
    const beside = [...(this.#pairs.get(item) ?? [])];
    const score = (other: string, together: number) =>
      formula === 'together' ? together : (together * this.size) / (this.#countOf(item) * this.#countOf(other));
    return beside
      .map(([other, together]) => ({ other, score: score(other, together) }))
      .toSorted((a, b) => b.score - a.score || (a.other < b.other ? -1 : 1))
      .slice(0, 3)
      .map(({ other }) => other);
  }

  /** The same for the same baskets, in whatever order they came. */
  fingerprint(): string {
    const pairs = [...this.#pairs].flatMap(([item, beside]) =>
      [...beside].map(([other, count]) => `${item}+${other}=${count}`),
    );
    return pairs.toSorted().join();
  }

  #countOf(item: string): number {
    return this.#items.get(item) ?? 0;
  }
}

await using gateway = await openGateway('recommendations');
const { client, backend } = gateway;
// RabbitMQ's queues forget what was acknowledged; its streams keep it.
const topic = await gateway.topic('baskets', {
  partitions: 4,
  ...(backend === 'rabbitmq' ? { queueType: 'stream' } : {}),
});
const subscription = await gateway.subscription('model', topic, { start: 'earliest', requires: ['replay.earliest'] });

const random = seeded(11);
const baskets = Array.from({ length: basketCount }, (_, index) => ({ id: `basket-${index}`, basket: basketOf(index) }));
let model = new Model();
let learning = learn(model);

for (let from = 0; from < basketCount; from += 100) {
  const outcomes = await client.publishBatch(
    topic,
    baskets.slice(from, from + 100).map(({ id, basket }) => ({ id, key: basket.customer, value: basket })),
  );
  if (outcomes.some(({ kind }) => kind !== 'stored')) throw new Error('not every basket was stored');
}
await until('the model knows every basket', () => model.size === basketCount);
await learning.stop();
const learnt = model.fingerprint();
console.log(`learnt from ${model.size} baskets while they were sold:`);
tell('together');

model = new Model();
console.log('\nthe memory is lost, and the stream is read again from its beginning');
await client.subscriptions.seek(subscription, 'earliest');
const againMs = performance.now();
learning = learn(model);
await until('the model knows every basket again', () => model.size === basketCount);
await learning.stop();
const isSame = model.fingerprint() === learnt;
console.log(
  `${model.size} baskets read again in ${Math.round(performance.now() - againMs)} ms, ${isSame ? 'the same model' : 'ANOTHER MODEL'}`,
);

console.log(`\nanother formula over the same history, which forgets what everybody buys (${everyday}):`);
tell('lift');
const isBetter = !model.recommend('coffee', 'lift').includes(everyday);
process.exitCode = isSame && isBetter ? 0 : 1;

function learn(into: Model): { readonly stop: () => Promise<void> } {
  const subscriber = client.subscribe(subscription, { credit: 200 });
  const done = subscriber.run(({ id, value }) => into.learn(id ?? '', value as Basket), { concurrency: 50 });
  return {
    async stop() {
      await subscriber.close();
      await done;
    },
  };
}

function tell(formula: 'together' | 'lift'): void {
  for (const item of ['coffee', 'pasta', 'beer'])
    console.log(`  who buys ${item.padEnd(7)} also buys ${model.recommend(item, formula).join(', ')}`);
}

/** Most of a habit, the bag, and sometimes a thing of another habit. */
function basketOf(index: number): Basket {
  const habit = habits[Math.floor(random() * habits.length)] ?? [];
  const other = habits.flat()[Math.floor(random() * habits.flat().length)] ?? everyday;
  const items = [...habit.filter(() => random() < 0.7), everyday, ...(random() < 0.3 ? [other] : [])];
  return { customer: `customer-${index % 50}`, items: [...new Set(items)] };
}
