/** Who a client certificate is: by its common name or one of its alternative names, as the configuration maps them. */

import type { PeerCertificate } from 'node:tls';
import { Caller } from './caller.ts';
import type { Quota, QuotaRates } from './quota.ts';
import type { CertificateEntry } from './schema.ts';
import { Scopes } from './scopes.ts';

export class ClientCertificates {
  readonly #callers = new Map<string, Caller>();

  constructor(
    entries: readonly CertificateEntry[],
    quotaOf: (principal: string, own: QuotaRates | undefined) => Quota | undefined,
  ) {
    for (const { name, subject, scopes, quota } of entries) {
      const principal = `certificate:${name}`;
      const credential = { kind: 'certificate', subject } as const;
      this.#callers.set(
        subject,
        new Caller({ principal, scopes: new Scopes(scopes), credential, quota: quotaOf(principal, quota) }),
      );
    }
  }

  /** @param certificate one that the TLS handshake has found to be signed by who may sign. */
  callerOf(certificate: PeerCertificate): Caller | undefined {
    for (const subject of subjectsOf(certificate)) {
      const caller = this.#callers.get(subject);
      if (caller !== undefined) return caller;
    }
    return undefined;
  }
}

/**
 * The names of a certificate, in the words of the configuration. Node writes an alternative name that could be mistaken for two
 * (`DNS:"a, DNS:b"`) in quotes: such a one is nobody's name. A certificate with two common names has none.
 */
function subjectsOf({ subject, subjectaltname = '' }: PeerCertificate): string[] {
  const common = subject?.CN as string | string[] | undefined;
  const names = subjectaltname.includes('"') ? [] : subjectaltname.split(', ').filter((name) => name !== '');
  return typeof common === 'string' ? [...names, `CN=${common}`] : names;
}
