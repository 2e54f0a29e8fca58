/** The schemas of what is configured: keys, tokens, certificates, quotas, TLS, CORS. Strict: an unknown field is an error. */

import { z } from 'zod';
import { accessLimits } from './limits.ts';
import { isScope } from './scopes.ts';

const Text = z.string().min(1).max(1_000);
const Principal = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,99}$/, 'must be 1 to 100 letters, digits, dots, dashes, underscores or @');
const ScopeText = z
  .string()
  .refine(
    isScope,
    'must be publish:<topic>, read:<topic>, consume:<subscription> (with * for any characters), metrics or admin',
  );
const ScopeList = z.array(ScopeText).min(1).max(accessLimits.scopesMax);
const Rate = z.number().positive().max(1e12);

export const QuotaSchema = z.strictObject({
  requestsPerSecond: Rate.exactOptional(),
  messagesPerSecond: Rate.exactOptional(),
  bytesPerSecond: Rate.exactOptional(),
  burstSeconds: z.number().min(0.01).max(3_600).default(1),
});

export const KeyEntry = z.strictObject({
  name: Principal,
  hash: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 hexadecimal digits, as `sluice keys new` prints it'),
  scopes: ScopeList,
  expires: z.iso
    .datetime({ offset: true, error: 'must be a point in time such as 2027-01-31T00:00:00Z' })
    .exactOptional(),
  quota: QuotaSchema.exactOptional(),
});
export type KeyEntry = z.output<typeof KeyEntry>;

export const KeysFile = z.strictObject({ keys: z.array(KeyEntry).max(accessLimits.keysMax) });

/** Signatures that only the issuer can make. Never `none`; never HS*, whose key could be the issuer's public one. */
export const tokenAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;

const Jwt = z.strictObject({
  issuer: Text,
  audience: z.union([Text, z.array(Text).min(1).max(20)]),
  jwksUrl: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).exactOptional(),
  jwksFile: Text.exactOptional(),
  algorithms: z
    .array(z.enum(tokenAlgorithms))
    .min(1)
    .default([...tokenAlgorithms]),
  clockToleranceMs: z.int().min(0).max(300_000).default(5_000),
  principalClaim: Text.default('sub'),
});
export type JwtConfig = z.output<typeof Jwt>;

const CertificateEntry = z.strictObject({
  name: Principal,
  subject: z
    .string()
    .regex(
      /^(CN=|DNS:|URI:|email:)[^\s",]{1,250}$/,
      'must be CN=<common name>, or DNS:, URI: or email: and an alternative name',
    ),
  scopes: ScopeList,
  quota: QuotaSchema.exactOptional(),
});
export type CertificateEntry = z.output<typeof CertificateEntry>;

export const AccessSchema = z.strictObject({
  keysFile: Text.exactOptional(),
  keys: z.array(KeyEntry).max(accessLimits.keysMax).exactOptional(),
  jwt: Jwt.refine(({ jwksUrl, jwksFile }) => (jwksUrl === undefined) !== (jwksFile === undefined), {
    error: 'must have one of jwksUrl and jwksFile',
  }).exactOptional(),
  certificates: z.array(CertificateEntry).min(1).max(accessLimits.keysMax).exactOptional(),
  quota: QuotaSchema.describe('Of every principal that has none of its own.').exactOptional(),
  quotas: z
    .record(z.string().regex(/^(key|jwt|certificate):/, 'must be key:, jwt: or certificate: and a name'), QuotaSchema)
    .exactOptional(),
  openMetrics: z.boolean().default(false),
});
export type AccessConfig = z.output<typeof AccessSchema>;

export const TlsSchema = z.strictObject({
  certFile: Text,
  keyFile: Text,
  caFile: Text.exactOptional(),
  clientCertificates: z.enum(['none', 'optional', 'required']).default('none'),
  minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2'),
});
export type TlsConfig = z.output<typeof TlsSchema>;

/** As browsers send it; `*` would let every page in. */
export const OriginText = z
  .string()
  .regex(
    /^https?:\/\/[a-z0-9.-]+(:\d{1,5})?$/,
    'must be an origin as browsers write it, such as https://app.example.com',
  );

/** Whether requests need credentials. */
export function needsCredentials({ keysFile, keys, jwt, certificates }: AccessConfig): boolean {
  return keysFile !== undefined || keys !== undefined || jwt !== undefined || certificates !== undefined;
}
