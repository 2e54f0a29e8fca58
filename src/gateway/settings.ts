/**
 * Each setting with its variable and its flag: the command line, the reading of the environment and docs/CONFIG.md are made
 * from this table. It imports nothing but plain tables, so that `sluice --help` loads nothing.
 */

import { configurableLimits } from './limits.ts';

export interface Setting {
  /** In the file, such as `native.dataDir`. */
  readonly path: string;
  readonly variable: string;
  /** As commander reads it. None for secrets, because every user of the machine can read the flags of a process, and for limits, which are many. */
  readonly flag?: string;
  readonly help: string;
  /** How a variable or flag, which are text, becomes the value. */
  readonly read: 'text' | 'number' | 'decimal' | 'numberOrOff' | 'flag' | 'list';
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
    path: 'like',
    variable: 'SLUICE_LIKE',
    flag: '--like <system>',
    help: 'native: refuse what this system refuses: rabbitmq-quorum, rabbitmq-classic, rabbitmq-stream, kafka; other versions such as rabbitmq-quorum@3.10',
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
    help: 'rabbitmq: amqp://user:password@host:port or amqps://, several separated by commas',
    read: 'list',
  },
  {
    path: 'rabbitmq.vhost',
    variable: 'SLUICE_RABBITMQ_VHOST',
    flag: '--rabbitmq-vhost <name>',
    help: 'rabbitmq: the virtual host, where the address names none',
    read: 'text',
  },
  {
    path: 'rabbitmq.mechanism',
    variable: 'SLUICE_RABBITMQ_MECHANISM',
    flag: '--rabbitmq-mechanism <name>',
    help: 'rabbitmq: plain (user and password, the default) or external (the client certificate)',
    read: 'text',
  },
  {
    path: 'rabbitmq.username',
    variable: 'SLUICE_RABBITMQ_USERNAME',
    flag: '--rabbitmq-username <name>',
    help: 'rabbitmq: the user, where the address names none',
    read: 'text',
  },
  {
    path: 'rabbitmq.password',
    variable: 'SLUICE_RABBITMQ_PASSWORD',
    help: 'rabbitmq: its password',
    read: 'text',
  },
  {
    path: 'rabbitmq.passwordFile',
    variable: 'SLUICE_RABBITMQ_PASSWORD_FILE',
    flag: '--rabbitmq-password-file <file>',
    help: 'rabbitmq: a file with the password, read at each connection',
    read: 'text',
  },
  ...tls('rabbitmq'),
  manage('rabbitmq'),
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
  {
    path: 'kafka.sasl.mechanism',
    variable: 'SLUICE_KAFKA_SASL_MECHANISM',
    flag: '--kafka-sasl-mechanism <name>',
    help: 'kafka: plain, scram-sha-256, scram-sha-512 or oauthbearer',
    read: 'text',
  },
  {
    path: 'kafka.sasl.username',
    variable: 'SLUICE_KAFKA_USERNAME',
    flag: '--kafka-username <name>',
    help: 'kafka: the user',
    read: 'text',
  },
  {
    path: 'kafka.sasl.password',
    variable: 'SLUICE_KAFKA_PASSWORD',
    help: 'kafka: its password',
    read: 'text',
  },
  {
    path: 'kafka.sasl.passwordFile',
    variable: 'SLUICE_KAFKA_PASSWORD_FILE',
    flag: '--kafka-password-file <file>',
    help: 'kafka: a file with the password, read at each login',
    read: 'text',
  },
  {
    path: 'kafka.sasl.tokenFile',
    variable: 'SLUICE_KAFKA_TOKEN_FILE',
    flag: '--kafka-token-file <file>',
    help: 'kafka: a file with the bearer token for oauthbearer, read at each login',
    read: 'text',
  },
  ...tls('kafka'),
  manage('kafka'),
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
    path: 'access.keysFile',
    variable: 'SLUICE_KEYS_FILE',
    flag: '--keys-file <file>',
    help: 'API keys, by their hashes; made by `sluice keys new`, read again when it changes',
    read: 'text',
  },
  {
    path: 'access.jwt.issuer',
    variable: 'SLUICE_JWT_ISSUER',
    flag: '--jwt-issuer <issuer>',
    help: 'tokens (JWT): who must have issued them',
    read: 'text',
  },
  {
    path: 'access.jwt.audience',
    variable: 'SLUICE_JWT_AUDIENCE',
    flag: '--jwt-audience <list>',
    help: 'tokens: for whom they must be, several separated by commas',
    read: 'list',
  },
  {
    path: 'access.jwt.jwksUrl',
    variable: 'SLUICE_JWT_JWKS_URL',
    flag: '--jwt-jwks-url <url>',
    help: 'tokens: where the public keys of the issuer are, or',
    read: 'text',
  },
  {
    path: 'access.jwt.jwksFile',
    variable: 'SLUICE_JWT_JWKS_FILE',
    flag: '--jwt-jwks-file <file>',
    help: 'tokens: a file with them',
    read: 'text',
  },
  {
    path: 'access.jwt.algorithms',
    variable: 'SLUICE_JWT_ALGORITHMS',
    flag: '--jwt-algorithms <list>',
    help: 'tokens: the signatures that are taken (default: RS*, PS*, ES*, EdDSA; never none or HS*)',
    read: 'list',
  },
  {
    path: 'access.jwt.clockToleranceMs',
    variable: 'SLUICE_JWT_CLOCK_TOLERANCE_MS',
    flag: '--jwt-clock-tolerance-ms <ms>',
    help: 'tokens: how far the clock of the issuer may be from ours (default 5000)',
    read: 'number',
  },
  {
    path: 'access.jwt.principalClaim',
    variable: 'SLUICE_JWT_PRINCIPAL_CLAIM',
    flag: '--jwt-principal-claim <claim>',
    help: 'tokens: the claim that says who it is (default sub)',
    read: 'text',
  },
  quota('requestsPerSecond', 'REQUESTS', 'requests, calls and frames a second'),
  quota('messagesPerSecond', 'MESSAGES', 'messages a second, published and delivered'),
  quota('bytesPerSecond', 'BYTES', 'bytes of them a second'),
  quota('burstSeconds', 'BURST_SECONDS', "seconds' worth that may come at once (default 1)"),
  {
    path: 'access.openMetrics',
    variable: 'SLUICE_OPEN_METRICS',
    flag: '--open-metrics',
    help: 'answer /metrics without credentials',
    read: 'flag',
  },
  {
    path: 'tls.certFile',
    variable: 'SLUICE_TLS_CERT_FILE',
    flag: '--tls-cert-file <file>',
    help: 'TLS for REST and gRPC: the certificate, with what signed it, in PEM; read again when it changes',
    read: 'text',
  },
  {
    path: 'tls.keyFile',
    variable: 'SLUICE_TLS_KEY_FILE',
    flag: '--tls-key-file <file>',
    help: 'TLS: its key, in PEM',
    read: 'text',
  },
  {
    path: 'tls.caFile',
    variable: 'SLUICE_TLS_CA_FILE',
    flag: '--tls-ca-file <file>',
    help: 'TLS: who may have signed the certificates of clients, in PEM',
    read: 'text',
  },
  {
    path: 'tls.clientCertificates',
    variable: 'SLUICE_TLS_CLIENT_CERTIFICATES',
    flag: '--tls-client-certificates <how>',
    help: 'TLS: none, optional or required (default none)',
    read: 'text',
  },
  {
    path: 'tls.minVersion',
    variable: 'SLUICE_TLS_MIN_VERSION',
    flag: '--tls-min-version <version>',
    help: 'TLS: TLSv1.2 or TLSv1.3 (default TLSv1.2)',
    read: 'text',
  },
  {
    path: 'corsOrigins',
    variable: 'SLUICE_CORS_ORIGINS',
    flag: '--cors-origins <list>',
    help: 'web pages that may use this gateway, by their origins, separated by commas',
    read: 'list',
  },
  {
    path: 'logLevel',
    variable: 'SLUICE_LOG_LEVEL',
    flag: '--log-level <level>',
    help: 'trace, debug, info, warn, error, fatal or silent; on stderr, one JSON line an event',
    read: 'text',
  },
  {
    path: 'tracing.otlp',
    variable: 'SLUICE_TRACING_OTLP',
    flag: '--tracing-otlp <url>',
    help: 'where spans go: a collector that takes OTLP over HTTP, such as http://127.0.0.1:4318, or off; without it OTEL_EXPORTER_OTLP_ENDPOINT (docs/TRACING.md)',
    read: 'text',
  },
  {
    path: 'tracing.sampleRatio',
    variable: 'SLUICE_TRACING_SAMPLE_RATIO',
    flag: '--tracing-sample-ratio <ratio>',
    help: 'how many of the traces that begin here are kept, from 0 to 1; those that callers began are kept as they say',
    read: 'decimal',
  },
  {
    path: 'tracing.serviceName',
    variable: 'SLUICE_TRACING_SERVICE_NAME',
    flag: '--tracing-service-name <name>',
    help: 'the name of the service in traces; without it OTEL_SERVICE_NAME',
    read: 'text',
  },
  {
    path: 'gatewayName',
    variable: 'SLUICE_GATEWAY_NAME',
    flag: '--gateway-name <name>',
    help: 'what ack tokens say of this gateway, so that others can tell where to send them; the same after a restart. Without it: host name and port, or none on a free port',
    read: 'text',
  },
  {
    path: 'ackTokenKeys',
    variable: 'SLUICE_ACK_TOKEN_KEYS',
    help: 'secrets that sign ack tokens, at least 32 characters each: the first signs, all are accepted; without any, one is made and kept on the backend',
    read: 'list',
  },
  {
    path: 'pullIdleMs',
    variable: 'SLUICE_PULL_IDLE_MS',
    flag: '--pull-idle-ms <ms>',
    help: 'after so long without a pull, a consumer with nothing outstanding is closed',
    read: 'number',
  },
  ...Object.keys(configurableLimits).map(limit),
];

function limit(name: string): Setting {
  const variable = `SLUICE_LIMITS_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
  return { path: `limits.${name}`, variable, help: 'docs/LIMITS.md', read: 'number' };
}

/** The same for both brokers; RabbitMQ's addresses say by `amqps` that TLS is on. */
function tls(broker: 'rabbitmq' | 'kafka'): Setting[] {
  const variable = `SLUICE_${broker.toUpperCase()}_TLS`;
  const file = (name: string, ending: string, help: string): Setting => ({
    path: `${broker}.tls.${name}File`,
    variable: `${variable}_${ending.toUpperCase()}_FILE`,
    flag: `--${broker}-tls-${ending}-file <file>`,
    help: `${broker}: ${help}, in PEM`,
    read: 'text',
  });
  const enabled: Setting = {
    path: 'kafka.tls.enabled',
    variable: 'SLUICE_KAFKA_TLS',
    flag: '--kafka-tls',
    help: 'kafka: TLS; any other setting of tls turns it on as well',
    read: 'flag',
  };
  return [
    ...(broker === 'kafka' ? [enabled] : []),
    file('ca', 'ca', "who may have signed the broker's certificate"),
    file('cert', 'cert', 'the certificate that this client shows'),
    file('key', 'key', 'its key'),
    {
      path: `${broker}.tls.serverName`,
      variable: `${variable}_SERVER_NAME`,
      flag: `--${broker}-tls-server-name <name>`,
      help: `${broker}: the name that the broker's certificate must be for, where it is not the address`,
      read: 'text',
    },
    {
      path: `${broker}.tls.verify`,
      variable: `${variable}_VERIFY`,
      flag: `--${broker}-tls-verify <true|false>`,
      help: `${broker}: false believes any certificate (default true)`,
      read: 'flag',
    },
  ];
}

function quota(name: string, ending: string, help: string): Setting {
  return {
    path: `access.quota.${name}`,
    variable: `SLUICE_QUOTA_${ending}`,
    flag: `--quota-${ending.toLowerCase().replace('_', '-')} <number>`,
    help: `quota of each principal that has none of its own: ${help}`,
    read: 'number',
  };
}

function manage(broker: 'rabbitmq' | 'kafka'): Setting {
  return {
    path: `${broker}.manage`,
    variable: `SLUICE_${broker.toUpperCase()}_MANAGE`,
    flag: `--${broker}-manage <full|none>`,
    help: `${broker}: none makes and changes nothing on the broker; topics and subscriptions are then mapped in the file`,
    read: 'text',
  };
}
