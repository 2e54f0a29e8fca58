/** `sluice serve`: configuration -> port -> server -> signals. */

import type { Command } from 'commander';
import { registerKeysCommands } from './access/keys-command.ts';
import type { GatewayConfig } from './config.ts';
import { settings } from './settings.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_UNAVAILABLE = 3;

/** Adds `serve`; everything heavy is loaded when it runs. */
export function registerGatewayCommands(program: Command): void {
  registerKeysCommands(program);
  const serve = program
    .command('serve')
    .description('Serve REST and gRPC over the native log, RabbitMQ or Kafka.')
    .option('--config <file>', 'YAML file; SLUICE_* variables override it, flags override both');
  for (const { flag, help } of settings) if (flag !== undefined) serve.option(flag, help);
  serve
    .addHelpText('after', helpText)
    .action(async (options: Record<string, string | boolean | undefined>) => await run(options));
}

const helpText = `
Without anything: the native log in ./sluice-data, REST on http://127.0.0.1:8080, gRPC on 127.0.0.1:9090. docs/CONFIG.md has every setting with its default.
rabbitmq and kafka without an address use the broker that \`sluice brokers up\` left running.

Exit status: 0 ended by a signal, 2 wrong usage or configuration, 3 the backend could not be had, 1 anything else.

Examples:
  sluice serve
  sluice keys new --name billing --scope publish:orders --file keys.yaml
  sluice serve --keys-file keys.yaml --host 0.0.0.0 --tls-cert-file cert.pem --tls-key-file key.pem
  sluice serve --data-dir /var/lib/sluice --port 8081 --durability os
  sluice serve --backend rabbitmq --rabbitmq-url amqp://guest:guest@127.0.0.1:5672
  SLUICE_KAFKA_BROKERS=127.0.0.1:9092 sluice serve --backend kafka
  sluice serve --like rabbitmq-quorum                 develop on the log, without what RabbitMQ would refuse`;

async function run(options: Record<string, string | boolean | undefined>): Promise<void> {
  const stop = stopSignals();
  try {
    const [{ configText, loadConfig }, { startGateway }, { quickStartLines }, { version }] = await Promise.all([
      import('./config.ts'),
      import('./start.ts'),
      import('./quick-start.ts'),
      import('./version.ts'),
    ]);
    const flags = Object.fromEntries(
      settings.map(({ path, flag }) => [path, flag === undefined ? undefined : options[optionName(flag)]]),
    );
    const file = options['config'] ?? process.env['SLUICE_CONFIG'];
    const config = await withAddress(loadConfig({ file: file as string | undefined, env: process.env, flags }));
    const starting = startGateway(config, { logger: { level: config.logLevel, stream: process.stderr } });
    // A start may take long (a large log to recover, a broker that does not answer). Nothing was promised to anybody yet.
    const gateway = await Promise.race([starting, stop.asked]);
    if (gateway === undefined) process.exit(0);
    const { product, version: backendVersion, like } = gateway.port.info;
    const grpc = gateway.grpcAddress === null ? '' : ` and gRPC on ${gateway.grpcAddress}`;
    const manners = like === undefined ? '' : ` in the manners of ${like}`;
    say(`sluice ${version} serves ${product} ${backendVersion}${manners} on ${gateway.url}${grpc}`);
    say(`configuration: ${configText(config)}`);
    const { needsCredentials } = await import('./access/schema.ts');
    const needsKey = needsCredentials(config.access);
    say(`\nTry it in another terminal${needsKey ? ', with a key that may do it (scope admin) in SLUICE_KEY' : ''}:\n`);
    for (const line of quickStartLines(gateway.url, { needsKey })) say(line);
    say(`\nEvery route: ${gateway.url}/docs    Ctrl-C ends it.`);

    process.on('SIGHUP', () => void gateway.reloadAccess());
    await stop.asked;
    await gateway.close();
    process.exit(0); // what a client library still holds must not keep a process that was told to end
  } catch (reason) {
    const { code = 'internal', message = String(reason) } = reason as { code?: string; message?: string };
    process.stderr.write(`sluice: ${code}: ${message}\n`);
    process.exit(exitStatus(code));
  }
}

/** Ready to be stopped from the first moment: a second signal ends at once. */
function stopSignals(): { readonly asked: Promise<void> } {
  let signals = 0;
  const asked = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        signals += 1;
        if (signals > 1) process.exit(EXIT_FAILED);
        resolve();
      });
    }
  });
  return { asked };
}

/** Fills in the address of a broker that `sluice brokers up` left running. */
async function withAddress(config: GatewayConfig): Promise<GatewayConfig> {
  const { backend } = config;
  if (backend === 'native') return config;
  if (backend === 'rabbitmq' ? config.rabbitmq.urls !== undefined : config.kafka.brokers !== undefined) return config;
  const { runningBrokers } = await import('../brokers/index.ts');
  const { rabbitmq, kafka } = await runningBrokers();
  if (backend === 'rabbitmq' && rabbitmq !== undefined)
    return { ...config, rabbitmq: { ...config.rabbitmq, urls: [...rabbitmq.urls] } };
  if (backend === 'kafka' && kafka !== undefined)
    return { ...config, kafka: { ...config.kafka, brokers: [...kafka.brokers] } };
  const { PortError } = await import('../adapters/index.ts');
  const flag =
    backend === 'rabbitmq' ? '--rabbitmq-url (or SLUICE_RABBITMQ_URL)' : '--kafka-brokers (or SLUICE_KAFKA_BROKERS)';
  throw new PortError(
    'backend_unavailable',
    `no address for ${backend}: give ${flag}, or start one with: sluice brokers up ${backend}`,
  );
}

function exitStatus(code: string): number {
  if (code === 'invalid_argument' || code === 'unknown_field' || code === 'capability_unsupported') return EXIT_USAGE;
  const unavailable = ['backend_unavailable', 'backend_rejected', 'deadline_exceeded'];
  if (unavailable.includes(code)) return EXIT_UNAVAILABLE;
  return EXIT_FAILED;
}

/** `--data-dir <dir>` -> `dataDir`, as commander names it. */
function optionName(flag: string): string {
  const name = flag.slice(2).split(' ', 1)[0] ?? '';
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Whoever read the lines may have left (`sluice serve | head -1`): that ends the lines, not the server. */
process.stdout.on('error', () => undefined);

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
