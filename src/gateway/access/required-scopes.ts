/**
 * The one table of what each route and each RPC needs. A route or an RPC without a row here is refused at the start, a row
 * without a route or RPC by a test: nothing is open because somebody forgot it.
 *
 * `anyOf` lists ways in; each is a list of scopes that are all needed, for the name in that field of the path, body or request
 * message. A field with `?` counts only where it is given. `admin` is always a way in.
 */

import { limits, PortError } from '../../adapters/index.ts';
import type { NamedAction, PlainScope, Scopes } from './scopes.ts';

type Need = readonly [action: NamedAction, field: string];

export type Requirement =
  /** Anybody, without credentials. */
  | { readonly kind: 'open'; readonly why: string }
  /** Any credentials; the answer has only what they may know of. */
  | { readonly kind: 'authenticated' }
  | { readonly kind: 'plain'; readonly scope: PlainScope }
  | { readonly kind: 'named'; readonly anyOf: readonly (readonly Need[])[] };

const admin = { kind: 'plain', scope: 'admin' } as const;
const metrics = { kind: 'plain', scope: 'metrics' } as const;
const authenticated = { kind: 'authenticated' } as const;
const publishing = named([['publish', 'topic']]);
const consuming = named([['consume', 'subscription']]);
const browsing = named([['read', 'topic']]);
const knowingTopic = named([['publish', 'topic']], [['read', 'topic']]);
/** Whoever subscribes reads the whole topic, and writes to the dead-letter topic that he names. */
const subscribing = named([
  ['consume', 'name'],
  ['read', 'topic'],
  ['read', 'deadLetterTopic?'],
  ['publish', 'deadLetterTopic?'],
]);
const probe = open('probes have no credentials');
const description = open('says what is in the package, nothing of this gateway');

export const requiredScopes: Readonly<Record<string, Requirement>> = {
  'POST /v1/topics': admin,
  'GET /v1/topics': authenticated,
  'GET /v1/topics/:topic': knowingTopic,
  'DELETE /v1/topics/:topic': admin,
  'POST /v1/topics/:topic/messages': publishing,
  'GET /v1/topics/:topic/partitions/:partition/messages': browsing,
  'POST /v1/subscriptions': subscribing,
  'GET /v1/subscriptions': authenticated,
  'GET /v1/subscriptions/:subscription': consuming,
  'DELETE /v1/subscriptions/:subscription': consuming,
  'POST /v1/subscriptions/:subscription/seek': consuming,
  'GET /v1/subscriptions/:subscription/lag': consuming,
  'GET /v1/subscriptions/:subscription/deadletters': consuming,
  // And publish for each topic that a letter goes back to, which only the letter says: redrive.ts asks.
  'POST /v1/subscriptions/:subscription/deadletters/redrive': consuming,
  'POST /v1/subscriptions/:subscription/pull': consuming,
  'POST /v1/subscriptions/:subscription/ack': consuming,
  'POST /v1/subscriptions/:subscription/nack': consuming,
  'POST /v1/subscriptions/:subscription/release': consuming,
  'POST /v1/subscriptions/:subscription/reject': consuming,
  'POST /v1/subscriptions/:subscription/extend': consuming,
  'GET /v1/subscriptions/:subscription/stream': consuming,
  'GET /v1/subscriptions/:subscription/ws': consuming,
  'GET /v1/capabilities': authenticated,
  'GET /v1/backend': authenticated,
  'GET /metrics': metrics,
  'GET /livez': probe,
  'GET /readyz': probe,
  'GET /': description,
  'GET /docs': description,
  'GET /docs/*': description,
  'GET /openapi.json': description,

  'Publisher/Publish': publishing,
  'Publisher/PublishStream': publishing,
  'Subscriber/Pull': consuming,
  'Subscriber/Acknowledge': consuming,
  'Subscriber/Nack': consuming,
  'Subscriber/Release': consuming,
  'Subscriber/Reject': consuming,
  'Subscriber/Extend': consuming,
  'Subscriber/Seek': consuming,
  'Subscriber/StreamingPull': consuming,
  'Admin/CreateTopic': admin,
  'Admin/GetTopic': knowingTopic,
  'Admin/ListTopics': authenticated,
  'Admin/DeleteTopic': admin,
  'Admin/CreateSubscription': subscribing,
  'Admin/GetSubscription': consuming,
  'Admin/ListSubscriptions': authenticated,
  'Admin/DeleteSubscription': consuming,
  'Admin/GetLag': consuming,
  'Admin/GetCapabilities': authenticated,
  'grpc.health.v1.Health/Check': probe,
  'grpc.health.v1.Health/List': probe,
  'grpc.health.v1.Health/Watch': probe,
  'grpc.reflection.v1.ServerReflection/ServerReflectionInfo': description,
  'grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo': description,
};

/**
 * @param call `METHOD /url` or `Service/Rpc`. A HEAD needs what its GET needs.
 * @throws Error for one that is not in the table: a fault of whoever added it.
 */
export function requirementOf(call: string): Requirement {
  const requirement = requiredScopes[call.replace(/^HEAD /, 'GET ')];
  if (requirement === undefined)
    throw new Error(`${call} is not in the table of required scopes (src/gateway/access/required-scopes.ts)`);
  return requirement;
}

/** Whether all names that it is about are in the path: it can be decided before the body is read. */
export function isAboutPath(requirement: Requirement, url: string): boolean {
  if (requirement.kind !== 'named') return true;
  return requirement.anyOf.flat().every(([, field]) => url.split('/').includes(`:${field}`));
}

/**
 * The scopes that are missing, for the way in that needs the fewest more; null when it is allowed.
 * @param fields the path's parameters, the body or the request message, by name.
 */
export function missingScopes(
  scopes: Scopes,
  requirement: Requirement,
  fields: Readonly<Record<string, unknown>>,
): readonly string[] | null {
  if (requirement.kind === 'open' || requirement.kind === 'authenticated' || scopes.isAdmin) return null;
  if (requirement.kind === 'plain') return scopes.allowsPlain(requirement.scope) ? null : [requirement.scope];
  let fewest: readonly string[] | null = null;
  for (const needs of requirement.anyOf) {
    const missing = needs.flatMap(([action, field]) => missingScope(scopes, action, fields, field));
    if (missing.length === 0) return null;
    if (fewest === null || missing.length < fewest.length) fewest = missing;
  }
  return fewest;
}

/** For the document of the API. */
export function scopesText(requirement: Requirement): string {
  switch (requirement.kind) {
    case 'open':
      return 'nothing';
    case 'authenticated':
      return 'any valid credential; the answer has what it may know of';
    case 'plain':
      return requirement.scope;
    case 'named':
      return requirement.anyOf
        .map((needs) =>
          needs
            .map(([action, field]) =>
              field.endsWith('?') ? `${action}:{${field.slice(0, -1)}} where it is given` : `${action}:{${field}}`,
            )
            .join(' and '),
        )
        .join(', or ');
  }
}

export function scopeMissing(principal: string, missing: readonly string[]): PortError {
  return new PortError('scope_missing', `${principal} may not do this: it needs the scope ${missing.join(' and ')}`);
}

function missingScope(
  scopes: Scopes,
  action: NamedAction,
  fields: Readonly<Record<string, unknown>>,
  field: string,
): string[] {
  const isOptional = field.endsWith('?');
  const value = fields[isOptional ? field.slice(0, -1) : field];
  if (isOptional && value === undefined) return [];
  const name = typeof value === 'string' ? value : '';
  if (scopes.allows(action, name)) return [];
  return [scopeText(action, name)];
}

/** A name that is none, as somebody typed it, is not repeated: this goes into header fields. */
export function scopeText(action: NamedAction, name: string): string {
  return `${action}:${limits.namePattern.test(name) ? name : '<name>'}`;
}

function named(...anyOf: readonly (readonly Need[])[]): Requirement {
  return { kind: 'named', anyOf };
}

function open(why: string): Requirement {
  return { kind: 'open', why };
}
