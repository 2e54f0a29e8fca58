/**
 * A Kafka that asks who one is, for tests: beside the plain listener, through which the broker talks to itself and the test
 * administers it, one listener for each way in.
 *
 *   PLAINTEXT   no questions; its nameless user may do everything
 *   SASL_SSL    TLS; PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, and OAUTHBEARER with the unsigned tokens that Kafka takes for development
 *   MUTUAL      TLS with a client certificate; the user is its subject, such as CN=alice
 *   EXPIRED     TLS with a server certificate whose time is over
 */

import { join } from 'node:path';
import { makeCertificates, writeKeyStore } from './certificates.ts';
import { freePorts } from './ports.ts';
import type { BrokerSecurity, KafkaHandle } from './types.ts';

export interface KafkaListener {
  readonly name: string;
  readonly protocol: 'PLAINTEXT' | 'SSL' | 'SASL_SSL';
  readonly port: number;
}

export interface SecuredKafka {
  readonly listeners: readonly KafkaListener[];
  /** Lines for server.properties. */
  readonly settings: readonly string[];
  /** For the storage tool: SCRAM passwords are part of the cluster's first metadata. */
  readonly formatArguments: readonly string[];
  readonly handle: NonNullable<KafkaHandle['secured']>;
}

/** Writes certificates and key stores into the run's directory. */
export async function secureKafka(directory: string, { users }: BrokerSecurity): Promise<SecuredKafka> {
  const folder = join(directory, 'certificates');
  const certificates = await makeCertificates(
    folder,
    users.map(({ name }) => name),
  );
  const stores = { server: join(folder, 'server-store.pem'), expired: join(folder, 'expired-store.pem') };
  await writeKeyStore(stores.server, certificates.server);
  await writeKeyStore(stores.expired, certificates.expired);
  const [saslSsl = 0, mutual = 0, expired = 0] = await freePorts(3);
  const at = (port: number): string => `127.0.0.1:${port}`;
  return {
    listeners: [
      { name: 'SASL_SSL', protocol: 'SASL_SSL', port: saslSsl },
      { name: 'MUTUAL', protocol: 'SSL', port: mutual },
      { name: 'EXPIRED', protocol: 'SSL', port: expired },
    ],
    settings: [
      'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      // Who comes through the plain listener has no name.
      'super.users=User:ANONYMOUS',
      'ssl.truststore.type=PEM',
      `ssl.truststore.location=${certificates.caFile}`,
      'ssl.keystore.type=PEM',
      `ssl.keystore.location=${stores.server}`,
      'listener.name.mutual.ssl.client.auth=required',
      'listener.name.expired.ssl.keystore.type=PEM',
      `listener.name.expired.ssl.keystore.location=${stores.expired}`,
      ...saslSettings(users),
    ],
    formatArguments: users.flatMap(({ name, password }) =>
      ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
        '--add-scram',
        `${mechanism}=[name=${name},password=${password}]`,
      ]),
    ),
    handle: { certificates, saslSsl: at(saslSsl), mutualTls: at(mutual), expired: at(expired) },
  };
}

function saslSettings(users: BrokerSecurity['users']): string[] {
  const prefix = 'listener.name.sasl_ssl';
  const modules = 'org.apache.kafka.common.security';
  const scram = `${modules}.scram.ScramLoginModule required;`;
  const passwords = users.map(({ name, password }) => ` user_${name}="${password}"`).join('');
  return [
    `${prefix}.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER`,
    // Tokens are to be shown again after a while; kafkajs does ten seconds before the end.
    `${prefix}.oauthbearer.connections.max.reauth.ms=12000`,
    `${prefix}.plain.sasl.jaas.config=${modules}.plain.PlainLoginModule required${passwords};`,
    `${prefix}.scram-sha-256.sasl.jaas.config=${scram}`,
    `${prefix}.scram-sha-512.sasl.jaas.config=${scram}`,
    `${prefix}.oauthbearer.sasl.jaas.config=${modules}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
  ];
}
