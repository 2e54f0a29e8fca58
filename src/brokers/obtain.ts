/** The chain: an address that was given, a broker that `sluice brokers up` left running, Docker, local processes, or a reason why not. */

import { givenButSilent, givenKafka, givenRabbitMq, KAFKA_VARIABLE, RABBITMQ_VARIABLE } from './addresses.ts';
import { dockerAnswers } from './docker-engine.ts';
import { startDockerKafka, startDockerRabbitMq } from './docker-run.ts';
import { BrokersError, reasonOf } from './errors.ts';
import { type LocalRequest, type StartedBroker, startLocalKafka, startLocalRabbitMq } from './local-run.ts';
import { runningBroker } from './running.ts';
import { reapOrphans } from './run-state.ts';
import type {
  BrokerKind,
  BrokerRequest,
  KafkaHandle,
  ObtainedBrokers,
  RabbitMqHandle,
  RabbitMqVersion,
} from './types.ts';

/**
 * Resolves when every wanted broker answers or has a reason in `skipped`; a broker that cannot be had is no error. What this call
 * starts ends with `stop()`, or, when this process is gone without it, by a watchdog a second later.
 * Throws `invalid_argument` for a request that makes no sense.
 */
export async function obtainBrokers(request: BrokerRequest): Promise<ObtainedBrokers> {
  const wanted = [...new Set(request.want)];
  const found = await Promise.all(wanted.map((kind) => obtainOne(kind, request, false)));
  const started = new Map<BrokerKind, StartedBroker<RabbitMqHandle | KafkaHandle>>();
  const handles: { rabbitmq?: RabbitMqHandle; kafka?: KafkaHandle } = {};
  const skipped: { kind: BrokerKind; reason: string }[] = [];
  for (const one of found) {
    if ('reason' in one) {
      skipped.push(one);
      continue;
    }
    if (one.handle.kind === 'rabbitmq') handles.rabbitmq = one.handle;
    else handles.kafka = one.handle;
    if (one.started !== null) started.set(one.handle.kind, one.started);
  }
  const own = (kind: BrokerKind) => {
    const broker = started.get(kind);
    if (broker === undefined)
      throw new BrokersError('invalid_argument', `${kind} was not started by this call, so it is not ours to disturb`);
    return broker;
  };
  let stopped: Promise<void> | null = null;
  return {
    ...handles,
    skipped,
    started: [...started.keys()],
    killNode: async (kind, node = 0, signal = 'SIGKILL') => own(kind).killNode(node, signal),
    startNode: async (kind, node = 0) => own(kind).startNode(node),
    pauseNode: async (kind, node = 0) => own(kind).pauseNode(node),
    resumeNode: async (kind, node = 0) => own(kind).resumeNode(node),
    leaderOf: async (kind, name, partition = 0) => own(kind).leaderOf(name, partition),
    rabbitmqctl: async (args, node) => own('rabbitmq').control(args, node),
    stop: () => (stopped ??= stopAll([...started.values()])),
  };
}

export interface Obtained {
  readonly handle: RabbitMqHandle | KafkaHandle;
  /** Null for what was found running. */
  readonly started: StartedBroker<RabbitMqHandle | KafkaHandle> | null;
}

export interface NotObtained {
  readonly kind: BrokerKind;
  readonly reason: string;
}

/** One broker by the chain. Never rejects: what goes wrong is the reason. */
export async function obtainOne(
  kind: BrokerKind,
  request: Omit<BrokerRequest, 'want'>,
  isKept: boolean,
): Promise<Obtained | NotObtained> {
  try {
    if (request.fresh !== true && !isOwnKind(request)) {
      const handle = (await given(kind, request)) ?? (await running(kind, request));
      if (handle !== null) return { handle, started: null };
    }
    const started = await start(kind, request, {
      nodes: request.nodes ?? 1,
      isKept,
      progress: request.onProgress ?? (() => undefined),
      security: request.security,
      network: request.network,
      kafkaAdvertisedPort: request.kafkaAdvertisedPort,
      rabbitmqStreams: request.rabbitmqStreams,
      rabbitmqSettings: request.rabbitmqSettings,
    });
    return { handle: started.handle, started };
  } catch (caught) {
    return { kind, reason: reasonOf(caught) };
  }
}

/** Wanted in a form that none has that runs already. */
function isOwnKind(request: Omit<BrokerRequest, 'want'>): boolean {
  const { security, network, kafkaAdvertisedPort, rabbitmqSettings } = request;
  return [security, network, kafkaAdvertisedPort, rabbitmqSettings].some((asked) => asked !== undefined);
}

/** Whether a broker that runs already is what was asked for; what was not asked for in particular may be anything. */
export function isAsAsked(
  handle: RabbitMqHandle | KafkaHandle,
  request: Pick<BrokerRequest, 'rabbitmqVersion' | 'nodes'>,
): boolean {
  if (request.nodes !== undefined && handle.nodes.length !== request.nodes) return false;
  if (handle.kind === 'kafka' || request.rabbitmqVersion === undefined) return true;
  return handle.version.startsWith(`${request.rabbitmqVersion}.`);
}

async function given(
  kind: BrokerKind,
  request: Omit<BrokerRequest, 'want'>,
): Promise<RabbitMqHandle | KafkaHandle | null> {
  try {
    const handle = kind === 'rabbitmq' ? await givenRabbitMq() : await givenKafka();
    return handle !== null && isAsAsked(handle, request) ? handle : null;
  } catch (caught) {
    const variable = kind === 'rabbitmq' ? RABBITMQ_VARIABLE : KAFKA_VARIABLE;
    throw givenButSilent(variable, reasonOf(caught));
  }
}

async function running(
  kind: BrokerKind,
  request: Omit<BrokerRequest, 'want'>,
): Promise<RabbitMqHandle | KafkaHandle | null> {
  const handle = await runningBroker(kind);
  return handle !== null && isAsAsked(handle, request) ? handle : null;
}

async function start(
  kind: BrokerKind,
  request: Omit<BrokerRequest, 'want'>,
  local: LocalRequest,
): Promise<StartedBroker<RabbitMqHandle | KafkaHandle>> {
  const reasons: string[] = [];
  if (local.security !== undefined && (local.nodes !== 1 || local.isKept))
    throw new BrokersError('invalid_argument', 'a broker with security has one node and ends with its caller');
  if (local.kafkaAdvertisedPort !== undefined && local.nodes !== 1)
    throw new BrokersError('invalid_argument', 'one port can be advertised for one node');
  if (local.network !== undefined && (local.nodes !== 1 || local.isKept || local.security !== undefined))
    throw new BrokersError(
      'invalid_argument',
      'a broker in a network namespace has one node, no security, and ends with its caller',
    );
  // A cluster in containers could not be told apart by address from outside; three nodes are processes. So is what has certificates
  // or a network of its own.
  const mayBeDocker = local.nodes === 1 && !isOwnKind(request);
  if (mayBeDocker && (await dockerAnswers())) {
    try {
      return await startInDocker(kind, request.rabbitmqVersion ?? '4.3', local);
    } catch (caught) {
      reasons.push(`in Docker: ${reasonOf(caught)}`);
      local.progress(`${kind}: not in Docker: ${reasonOf(caught).slice(0, 300)}`);
    }
  } else if (mayBeDocker) reasons.push('in Docker: no engine answers');
  try {
    return await startAsProcess(kind, request.rabbitmqVersion, local);
  } catch (caught) {
    reasons.push(`as a process: ${reasonOf(caught)}`);
    throw new BrokersError('unavailable', reasons.join('; '), { cause: caught });
  }
}

async function startInDocker(
  kind: BrokerKind,
  version: RabbitMqVersion,
  request: LocalRequest,
): Promise<StartedBroker<RabbitMqHandle | KafkaHandle>> {
  if (process.platform === 'linux') await reapOrphans();
  return kind === 'rabbitmq' ? startDockerRabbitMq(version, request) : startDockerKafka(request);
}

async function startAsProcess(
  kind: BrokerKind,
  version: RabbitMqVersion | undefined,
  request: LocalRequest,
): Promise<StartedBroker<RabbitMqHandle | KafkaHandle>> {
  if (process.platform !== 'linux') throw new BrokersError('unavailable', 'brokers as local processes need Linux');
  await reapOrphans();
  if (kind === 'kafka') return startLocalKafka(request);
  if (version !== undefined) return startLocalRabbitMq(version, request);
  try {
    return await startLocalRabbitMq('4.3', request);
  } catch (caught) {
    // Without root there is no other version either.
    if (caught instanceof BrokersError && caught.code === 'unavailable') throw caught;
    request.progress(`rabbitmq: 4.3 cannot be had (${reasonOf(caught).slice(0, 300)}), trying 4.0`);
    return startLocalRabbitMq('4.0', request);
  }
}

async function stopAll(started: readonly StartedBroker<RabbitMqHandle | KafkaHandle>[]): Promise<void> {
  const ended = await Promise.allSettled(started.map((broker) => broker.stop()));
  const failures = ended.flatMap((one) => (one.status === 'rejected' ? [reasonOf(one.reason)] : []));
  if (failures.length > 0) throw new BrokersError('failed', failures.join('; '));
}
