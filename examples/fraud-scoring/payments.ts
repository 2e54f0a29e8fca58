/** Made-up card payments: people with habits, and thieves who use a card quickly, far away and for much. */

import { normal, seeded, skewed } from '../seeded.ts';

export interface Payment {
  readonly id: string;
  readonly card: string;
  /** Seconds since the first payment. */
  readonly second: number;
  readonly amount: number;
  /** Kilometres from the cardholder's home. */
  readonly distance: number;
  readonly isFraud: boolean;
}

/** What is known of a card by its payments so far: it is only right when they come in their order. */
export class CardHistory {
  #seconds: number[] = [];
  #mean = 0;
  #count = 0;

  /** Amount, distance, how unlike the card's habit, payments of the last five minutes, seconds since the last one (less is more). */
  featuresOf({ second, amount, distance }: Payment): readonly number[] {
    this.#seconds = this.#seconds.filter((one) => second - one < 300);
    const sinceLast = second - (this.#seconds.at(-1) ?? Number.NEGATIVE_INFINITY);
    const unusual = this.#count === 0 ? 0 : amount / (this.#mean + 1);
    const features = [
      Math.log(1 + amount),
      Math.log(1 + distance),
      unusual,
      this.#seconds.length,
      1 / (1 + sinceLast / 30),
    ];
    this.#seconds.push(second);
    this.#count += 1;
    this.#mean += (amount - this.#mean) / this.#count;
    return features;
  }
}

const cards = 120;
const fraudShare = 0.04;

/** In the order of their times; a stolen card is used three times in a minute. */
export function makePayments(seed: number, count: number): readonly Payment[] {
  const random = seeded(seed);
  const habit = Array.from({ length: cards }, () => 15 + 60 * random());
  const payments: Omit<Payment, 'id'>[] = [];
  for (let second = 0; payments.length < count; second += Math.floor(random() * 40)) {
    const index = skewed(random, cards);
    const card = `card-${index}`;
    const usual = habit[index] ?? 30;
    if (random() < fraudShare)
      for (let use = 0; use < 3; use += 1)
        payments.push({
          card,
          second: second + use * 20,
          amount: usual * (2 + 4 * random()),
          distance: 50 + 900 * random(),
          isFraud: true,
        });
    else
      payments.push({
        card,
        second,
        amount: Math.max(1, usual * (1 + 0.5 * normal(random))),
        distance: Math.abs(8 * normal(random)) + (random() < 0.05 ? 400 : 0),
        isFraud: false,
      });
  }
  return payments
    .slice(0, count)
    .toSorted((a, b) => a.second - b.second)
    .map((payment, index) => ({ id: `payment-${index}`, ...payment }));
}

/** Each payment with what was known of its card when it came. */
export function withFeatures(
  payments: readonly Payment[],
): readonly (Payment & { readonly features: readonly number[] })[] {
  const histories = new Map<string, CardHistory>();
  return payments.map((payment) => {
    const history = histories.get(payment.card) ?? new CardHistory();
    histories.set(payment.card, history);
    return { ...payment, features: history.featuresOf(payment) };
  });
}
