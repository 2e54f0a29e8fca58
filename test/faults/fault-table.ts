/** Every fault that is done to the brokers' adapters: what is done, how often, what must come out of it, and which test does it. */

export interface Fault {
  readonly title: string;
  readonly done: string;
  /** Counts of `npm test`, and of `npm run test:long`. */
  readonly counts: { readonly normal: string; readonly long: string };
  readonly promised: string;
  readonly file: string;
}

export const faults = {
  R10: {
    title: 'the broker ends and comes back',
    done: 'The only node is ended under load, by SIGTERM and by SIGKILL in turn, and started again on its data.',
    counts: { normal: '1 + 1', long: '5 + 5' },
    promised:
      'nothing stored is lost, nothing refused is there, keys keep their order; stored and delivered again within 10 s of the broker answering; no consumer ends; when the port is closed no timer, socket or listener is left',
    file: 'test/faults/bounces.test.ts',
  },
  R11: {
    title: 'connections that are reset in the middle of a sentence',
    done: 'A proxy resets connections after every 64 bytes, in each direction, of the handshake and of a publish.',
    counts: { normal: 'every 64 bytes of the handshake, every 256 of a publish', long: 'every 64 bytes of both' },
    promised: 'every publish settles, nothing stored is lost, nothing refused is there; the next connection works',
    file: 'test/faults/resets.test.ts',
  },
  'R12-cut': {
    title: 'the network is cut',
    done: 'The broker runs in a network namespace; its interface goes down under load: no packet passes and nobody is told.',
    counts: { normal: '10 s', long: '10 s and 30 s' },
    promised:
      'each publish is answered within its 30 s; nothing stored is lost, nothing refused is there; stored and delivered again within 30 s of the network',
    file: 'test/faults/network-cut.test.ts',
  },
  'R12-alarm': {
    title: 'RabbitMQ is out of memory, or out of disk',
    done: 'Its memory limit, then its disk limit, is set so that the alarm goes off under load, and back.',
    counts: { normal: '1 of each', long: '3 of each' },
    promised:
      'publishes are answered 503 `backend_unavailable` with the reason at once, those that were sent into the alarm `publish_outcome_unknown` after 3 s; acks and reads go on; publishing resumes by itself; nothing stored is lost',
    file: 'test/faults/alarms.test.ts',
  },
  'R12-topic': {
    title: 'a Kafka topic is deleted and made again under a subscription',
    done: 'Another client deletes the topic and makes it again, at once and later, while a consumer waits.',
    counts: { normal: '1', long: '5' },
    promised: 'the subscription goes on with the new topic from its beginning, without a restart',
    file: 'test/faults/topic-made-again.test.ts',
  },
  R13: {
    title: 'the leader of a cluster is killed',
    done: 'Three nodes, three copies (Kafka: acks=all, min.insync.replicas=2; RabbitMQ: quorum queues of three); the node that leads is killed with -9 under load and started again.',
    counts: { normal: '1', long: '5' },
    promised:
      'nothing stored is lost, nothing refused is there, keys keep their order; stored and delivered again while the node is still away, within 10 s (RabbitMQ), or 10 s after `broker.session.timeout.ms` of 9 s (Kafka)',
    file: 'test/faults/leader-killed.test.ts',
  },
  R14: {
    title: 'connections that are slow, silent or half closed',
    done: 'Through a proxy: 100 ms of latency each way; a black hole; a broker’s side that forgets its connection (half open); an end that takes 2 s to arrive (slow close).',
    counts: { normal: 'none', long: '3 of each' },
    promised:
      'no publish takes longer than its 30 s; nothing stored is lost, nothing refused is there; well again without a restart; nothing is left behind',
    file: 'test/faults/bad-connections.long.test.ts',
  },
  R15: {
    title: 'a consumer that is slow',
    done: 'One subscription reads a message a second while up to a thousand a second are published and another subscription takes them all.',
    counts: { normal: '8 s', long: '60 s' },
    promised: 'the process grows by less than 50 MiB; the other subscription gets everything; the lag is right',
    file: 'test/faults/consumers.test.ts',
  },
  R16: {
    title: 'a consumer that is stuck',
    done: 'A consumer takes messages and never settles them; another one works.',
    counts: { normal: '20 messages', long: '200 messages' },
    promised:
      'they come to the other consumer within the ack deadline and 1 s, attempts counted; after the last attempt they are dead letters',
    file: 'test/faults/consumers.test.ts',
  },
  R17: {
    title: 'consumers that come and go',
    done: 'A consumer in another process’s port joins and leaves every 200 ms while another one stays.',
    counts: { normal: '10 s', long: '60 s' },
    promised: 'nothing stored is lost; nothing waits longer than 10 s',
    file: 'test/faults/consumers.test.ts',
  },
  R18: {
    title: 'a heap of 256 MB and a million messages',
    done: 'A process with `--max-old-space-size=256` publishes messages of 1 KiB as fast as it can, without waiting for answers, and reads none, then reads all.',
    counts: { normal: '60,000', long: '1,000,000' },
    promised:
      'it never runs out of memory: what is above the bounds is refused with `too_many_in_flight` or `overloaded`; nothing stored is lost',
    file: 'test/faults/small-heap.test.ts',
  },
} as const satisfies Record<string, Fault>;

export type FaultId = keyof typeof faults;
