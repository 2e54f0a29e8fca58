/** `sluice serve`: configuration -> port -> server -> signals. */

import type { Command } from 'commander';
import type { GatewayConfig, Setting } from './config.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_UNAVAILABLE = 3;

/** Adds `serve`; everything heavy is loaded when it runs. */
export function registerGatewayCommands(program: Command): void {
  const serve = program
    .command('serve')
    .description('Serve the REST API over the native log, RabbitMQ or Kafka.')
    .option('--config <file>', 'YAML file; SLUICE_* variables override it, flags override both');
  for (const { flag, help } of serveFlags) serve.option(flag, help);
  serve
    .addHelpText('after', helpText)
    .action(async (options: Record<string, string | boolean | undefined>) => await run(options));
}

export { registerGatewayCommands as registerServeCommand };

/** Here and not read from config.ts, which loads zod: `sluice --help` must not. A test holds the two together. */
export const serveFlags: readonly Pick<Setting, 'flag' | 'help'>[] = [
  { flag: '--backend <name>', help: 'native, rabbitmq or kafka' },
  { flag: '--data-dir <dir>', help: 'native: where the log lies; one process at a time' },
  { flag: '--durability <level>', help: 'native: what a publish waits for by default: memory, os or fsync' },
  { flag: '--rabbitmq-url <url>', help: 'rabbitmq: amqp://user:password@host:port, several separated by commas' },
  { flag: '--kafka-brokers <list>', help: 'kafka: host:port, several separated by commas' },
  { flag: '--kafka-client-id <id>', help: 'kafka: the name of this client' },
  { flag: '--host <address>', help: 'address to listen on' },
  { flag: '--port <number>', help: 'port of the REST API; 0 takes a free one' },
  { flag: '--grpc-port <number>', help: 'accepted and not used yet: gRPC comes later' },
  { flag: '--allow-unauthenticated', help: 'listen on an address that others can reach, without credentials' },
  {
    flag: '--log-level <level>',
    help: 'trace, debug, info, warn, error, fatal or silent; on stderr, one JSON line an event',
  },
  { flag: '--pull-idle-ms <ms>', help: 'after so long without a pull, a consumer with nothing outstanding is closed' },
];

const helpText = `
Without anything: the native log in ./sluice-data on http://127.0.0.1:8080. docs/CONFIG.md has every setting with its default.
rabbitmq and kafka without an address use the broker that \`sluice brokers up\` left running.

Exit status: 0 ended by a signal, 2 wrong usage or configuration, 3 the backend could not be had, 1 anything else.

Examples:
  sluice serve
  sluice serve --data-dir /var/lib/sluice --port 8081 --durability os
  sluice serve --backend rabbitmq --rabbitmq-url amqp://guest:guest@127.0.0.1:5672
  SLUICE_KAFKA_BROKERS=127.0.0.1:9092 sluice serve --backend kafka`;

async function run(options: Record<string, string | boolean | undefined>): Promise<void> {
  const stop = stopSignals();
  try {
    const [{ configText, loadConfig, settings }, { startGateway }, { quickStartLines }, { version }] =
      await Promise.all([
        import('./config.ts'),
        import('./start.ts'),
        import('./quick-start.ts'),
        import('./version.ts'),
      ]);
    const flags = Object.fromEntries(settings.map((setting) => [setting.path, options[optionName(setting.flag)]]));
    const file = options['config'] ?? process.env['SLUICE_CONFIG'];
    const config = await withAddress(loadConfig({ file: file as string | undefined, env: process.env, flags }));
    const gateway = await startGateway(config, { logger: { level: config.logLevel, stream: process.stderr } });
    const { product, version: backendVersion } = gateway.port.info;
    say(`sluice ${version} serves ${product} ${backendVersion} on ${gateway.url}`);
    say(`configuration: ${configText(config)}`);
    say('\nTry it in another terminal:\n');
    for (const line of quickStartLines(gateway.url)) say(line);
    say(`\nEvery route: ${gateway.url}/docs    Ctrl-C ends it.`);

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
  if (backend === 'rabbitmq' && rabbitmq !== undefined) return { ...config, rabbitmq: { urls: [...rabbitmq.urls] } };
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
  if (code === 'backend_unavailable' || code === 'deadline_exceeded') return EXIT_UNAVAILABLE;
  return EXIT_FAILED;
}

/** `--data-dir <dir>` -> `dataDir`, as commander names it. */
function optionName(flag: string): string {
  const name = flag.slice(2).split(' ', 1)[0] ?? '';
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
