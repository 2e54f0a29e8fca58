/** Every bound of access control, with the reason beside it. */
export const accessLimits = {
  /** The file of keys: ten thousand entries with room to spare. A larger one is not read. */
  keysFileBytesMax: 8 * 1024 * 1024,
  keysMax: 10_000,
  /** Of a key or a token; each request is matched against them. */
  scopesMax: 200,
  scopeCharactersMax: 300,
  /** Wildcards of one pattern: matching is at most this many scans of a name. */
  wildcardsMax: 8,
  /** What travels in `authorization`; the head of a request is bounded too. */
  credentialCharactersMax: 8 * 1024,
  /** Such as the `sub` of a token. */
  principalCharactersMax: 200,
  /** Principals whose buckets are remembered; the one that was not seen for longest goes first, and starts full again. */
  principalsMax: 10_000,
  /** Files of keys, certificates and JWKS are looked at this often; SIGHUP looks at once. */
  filesPollMs: 1_000,
  /** Open streams are held to their credentials this often: a key that was taken away ends its streams. */
  streamsReviewMs: 1_000,
  /** Tokens that were verified lately are not verified again: so many, for so long, and never beyond their own end. */
  verifiedTokensMax: 10_000,
  verifiedTokenMs: 30_000,
  /** The keys of the token's issuer: how large, how long the answer may take, how long they are believed. */
  jwksBytesMax: 256 * 1024,
  jwksTimeoutMs: 5_000,
  jwksMaxAgeMs: 600_000,
  /** While the issuer cannot be asked, old keys are believed for so long. */
  jwksStaleMs: 3_600_000,
  /** An unknown `kid` asks the issuer again, but not more often than this, however many such tokens come. */
  jwksCooldownMs: 30_000,
  /** A stream above its quota waits; it looks this often whether its client is still there. */
  paceCheckMs: 100,
  /** Without a handshake for so long a TLS connection is cut. */
  handshakeTimeoutMs: 10_000,
  /** How often Node looks for heads that are late; its own 30 s would let them have three times what they may. */
  headersCheckMs: 2_000,
  /** How long a browser may remember the answer to a preflight. */
  corsMaxAgeS: 600,
} as const;
