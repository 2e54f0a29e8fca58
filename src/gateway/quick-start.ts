/** The five lines to paste after a start: POSIX sh, curl and sed, nothing else. Pasting them twice works too. */

export interface QuickStartOptions {
  /** Default `quickstart`; the subscription is called after it. */
  readonly topic?: string;
  /** Further fields of the topic, such as `queueType`. */
  readonly topicOptions?: Readonly<Record<string, string | number>>;
  /** The gateway asks for credentials: the key is in $SLUICE_KEY. */
  readonly needsKey?: boolean;
}

/** Create a topic, subscribe, publish, pull, ack. The ack takes its token out of what the pull printed. */
export function quickStartLines(
  url: string,
  { topic = 'quickstart', topicOptions = {}, needsKey = false }: QuickStartOptions = {},
): readonly string[] {
  const subscription = `${topic}-reader`;
  const key = needsKey ? ' -H "authorization: Bearer $SLUICE_KEY"' : '';
  const post = (path: string, body: string): string =>
    `curl -sS -w '\\n' ${url}/v1/${path}${key} -H 'content-type: application/json' -d ${body}`;
  return [
    post('topics', quoted({ name: topic, ...topicOptions })),
    post('subscriptions', quoted({ name: subscription, topic })),
    post(`topics/${topic}/messages`, quoted({ messages: [{ key: 'customer-42', value: { order: 1, total: 9.5 } }] })),
    // Ten seconds: the first pull of a Kafka group waits for the group to form. It is answered as soon as there is a message.
    `PULLED=$(${post(`subscriptions/${subscription}/pull`, quoted({ maxMessages: 1, waitMs: 10_000 }))}); printf '%s\\n' "$PULLED"`,
    post(
      `subscriptions/${subscription}/ack`,
      `"{\\"tokens\\":[\\"$(printf '%s\\n' "$PULLED" | sed -n 's/.*"ackToken":"\\([^"]*\\)".*/\\1/p')\\"]}"`,
    ),
  ];
}

function quoted(body: unknown): string {
  return `'${JSON.stringify(body)}'`;
}
