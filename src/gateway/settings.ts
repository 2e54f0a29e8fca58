/**
 * Each setting with its variable and its flag: the command line, the reading of the environment and docs/CONFIG.md are made
 * from this table. It imports nothing, so that `sluice --help` loads nothing.
 */

export interface Setting {
  /** In the file, such as `native.dataDir`. */
  readonly path: string;
  readonly variable: string;
  /** As commander reads it. */
  readonly flag: string;
  readonly help: string;
  /** How a variable or flag, which are text, becomes the value. */
  readonly read: 'text' | 'number' | 'numberOrOff' | 'flag' | 'list';
}

export const settings: readonly Setting[] = [
  {
    path: 'backend',
    variable: 'SLUICE_BACKEND',
    flag: '--backend <name>',
    help: 'native, rabbitmq or kafka',
    read: 'text',
  },
  {
    path: 'native.dataDir',
    variable: 'SLUICE_DATA_DIR',
    flag: '--data-dir <dir>',
    help: 'native: where the log lies; one process at a time',
    read: 'text',
  },
  {
    path: 'native.durability',
    variable: 'SLUICE_DURABILITY',
    flag: '--durability <level>',
    help: 'native: what a publish waits for by default: memory, os or fsync',
    read: 'text',
  },
  {
    path: 'rabbitmq.urls',
    variable: 'SLUICE_RABBITMQ_URL',
    flag: '--rabbitmq-url <url>',
    help: 'rabbitmq: amqp://user:password@host:port, several separated by commas',
    read: 'list',
  },
  {
    path: 'kafka.brokers',
    variable: 'SLUICE_KAFKA_BROKERS',
    flag: '--kafka-brokers <list>',
    help: 'kafka: host:port, several separated by commas',
    read: 'list',
  },
  {
    path: 'kafka.clientId',
    variable: 'SLUICE_KAFKA_CLIENT_ID',
    flag: '--kafka-client-id <id>',
    help: 'kafka: the name of this client',
    read: 'text',
  },
  { path: 'host', variable: 'SLUICE_HOST', flag: '--host <address>', help: 'address to listen on', read: 'text' },
  {
    path: 'port',
    variable: 'SLUICE_PORT',
    flag: '--port <number>',
    help: 'port of the REST API; 0 takes a free one',
    read: 'number',
  },
  {
    path: 'grpcPort',
    variable: 'SLUICE_GRPC_PORT',
    flag: '--grpc-port <number>',
    help: 'port of gRPC; 0 takes a free one (the default where the port of REST is 0), off does without',
    read: 'numberOrOff',
  },
  {
    path: 'allowUnauthenticated',
    variable: 'SLUICE_ALLOW_UNAUTHENTICATED',
    flag: '--allow-unauthenticated',
    help: 'listen on an address that others can reach, without credentials',
    read: 'flag',
  },
  {
    path: 'logLevel',
    variable: 'SLUICE_LOG_LEVEL',
    flag: '--log-level <level>',
    help: 'trace, debug, info, warn, error, fatal or silent; on stderr, one JSON line an event',
    read: 'text',
  },
  {
    path: 'pullIdleMs',
    variable: 'SLUICE_PULL_IDLE_MS',
    flag: '--pull-idle-ms <ms>',
    help: 'after so long without a pull, a consumer with nothing outstanding is closed',
    read: 'number',
  },
];
