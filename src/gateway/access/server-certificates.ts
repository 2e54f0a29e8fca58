/** TLS of both servers: certificate, key and authorities from files, anew when the files change. */

import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions, type TlsOptions } from 'node:tls';
import { PortError } from '../../adapters/index.ts';
import { accessLimits } from './limits.ts';
import type { TlsConfig } from './schema.ts';

export class ServerCertificates {
  readonly #config: TlsConfig;
  #context: SecureContextOptions;
  readonly #servers: { setSecureContext(options: SecureContextOptions): void }[] = [];

  private constructor(config: TlsConfig, context: SecureContextOptions) {
    this.#config = config;
    this.#context = context;
  }

  /** @throws PortError `invalid_argument` that names the files. */
  static async open(config: TlsConfig): Promise<ServerCertificates> {
    return new ServerCertificates(config, await readContext(config));
  }

  get files(): readonly string[] {
    const { certFile, keyFile, caFile } = this.#config;
    return caFile === undefined ? [certFile, keyFile] : [certFile, keyFile, caFile];
  }

  get serverOptions(): TlsOptions & SecureContextOptions {
    const { clientCertificates } = this.#config;
    return {
      ...this.#context,
      requestCert: clientCertificates !== 'none',
      rejectUnauthorized: clientCertificates === 'required',
      handshakeTimeout: accessLimits.handshakeTimeoutMs,
    };
  }

  /** A server that gets the new certificates when they change. */
  keepFresh(server: { setSecureContext(options: SecureContextOptions): void }): void {
    this.#servers.push(server);
  }

  /** @throws PortError; the old certificates stay then. */
  async reload(): Promise<void> {
    this.#context = await readContext(this.#config);
    for (const server of this.#servers) server.setSecureContext(this.#context);
  }
}

async function readContext({
  certFile,
  keyFile,
  caFile,
  clientCertificates,
  minVersion,
}: TlsConfig): Promise<SecureContextOptions> {
  if (clientCertificates !== 'none' && caFile === undefined)
    throw new PortError(
      'invalid_argument',
      'configuration: tls.clientCertificates needs tls.caFile: who may have signed them',
    );
  try {
    const [cert, key, ca] = await Promise.all([
      readFile(certFile),
      readFile(keyFile),
      caFile === undefined ? undefined : readFile(caFile),
    ]);
    const context: SecureContextOptions = { cert, key, minVersion, ...(ca === undefined ? {} : { ca }) };
    // Looks whether the key is that of the certificate.
    createSecureContext(context);
    return context;
  } catch (cause) {
    const names = [certFile, keyFile, caFile].filter((name) => name !== undefined).join(', ');
    throw new PortError('invalid_argument', `tls: ${names} cannot be used: ${(cause as Error).message}`, { cause });
  }
}
