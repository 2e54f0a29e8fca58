/** A logistic regression in forty lines: trained by gradient descent on labelled payments, and asked for a probability. */

export interface Model {
  /** Between 0 and 1. */
  readonly score: (features: readonly number[]) => number;
  readonly weights: readonly number[];
}

export interface Labelled {
  readonly features: readonly number[];
  readonly isFraud: boolean;
}

const epochs = 30;
const learningRate = 0.1;
/** Keeps weights small, so that one odd example does not decide. */
const shrink = 1e-4;

/** The same examples in the same order give the same model. */
export function train(examples: readonly Labelled[]): Model {
  const width = examples[0]?.features.length ?? 0;
  const scale = scalesOf(examples, width);
  const weights = new Float64Array(width + 1);
  const scaled = (features: readonly number[]) => features.map((value, index) => value / (scale[index] ?? 1));
  const score = (features: readonly number[]) => probability(weights, scaled(features));
  for (let epoch = 0; epoch < epochs; epoch += 1)
    for (const { features, isFraud } of examples) {
      const inputs = scaled(features);
      const error = (isFraud ? 1 : 0) - probability(weights, inputs);
      for (const [index, input] of inputs.entries())
        weights[index] =
          (weights[index] as number) + learningRate * (error * input - shrink * (weights[index] as number));
      weights[width] = (weights[width] as number) + learningRate * error;
    }
  return { score, weights: [...weights] };
}

function probability(weights: Float64Array, inputs: readonly number[]): number {
  const sum = inputs.reduce(
    (total, input, index) => total + input * (weights[index] as number),
    weights.at(-1) as number,
  );
  return 1 / (1 + Math.exp(-sum));
}

/** Features of very different sizes would learn at very different speeds. */
function scalesOf(examples: readonly Labelled[], width: number): readonly number[] {
  return Array.from({ length: width }, (_, index) =>
    Math.max(
      1e-9,
      Math.sqrt(examples.reduce((sum, { features }) => sum + (features[index] ?? 0) ** 2, 0) / examples.length),
    ),
  );
}
