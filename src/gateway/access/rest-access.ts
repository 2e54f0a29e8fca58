/** Access control at the door of REST, SSE and WebSocket: decided before the body is read, wherever the path says enough. */

import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PortError } from '../../adapters/index.ts';
import type { App, GatewayContext } from '../context.ts';
import { certificateOf, type Given } from './access.ts';
import type { Caller } from './caller.ts';
import { isAboutPath, missingScopes, type Requirement, requirementOf, scopeMissing } from './required-scopes.ts';

const REALM = 'Bearer realm="sluice"';

interface RouteAccess {
  readonly requirement: Requirement;
  readonly isAboutPath: boolean;
}

interface RouteConfig {
  access?: RouteAccess;
  readonly isRefusal?: boolean;
}

const callers = new WeakMap<object, Caller>();

/** Of a request that was let in; a route that is open has none. */
export function callerOf(request: FastifyRequest): Caller {
  const caller = callers.get(request);
  if (caller === undefined) throw new Error(`${request.method} ${request.url} was let in without a caller`);
  return caller;
}

/** Whose request it is, where there are several principals: to share what there is among them. */
export function ownerOf(request: object): string | undefined {
  return callers.get(request)?.owner;
}

/** @throws Error from `app.route` for a route that is not in the table of required scopes. */
export function useAccess(app: App, { access, cors }: Pick<GatewayContext, 'access' | 'cors'>): void {
  app.addHook('onRoute', (route) => {
    const config = { ...route.config } as RouteConfig;
    // What answers 405 for the methods that a path does not have.
    if (config.isRefusal === true) return;
    const [method = ''] = [route.method].flat();
    const requirement = requirementOf(`${method} ${route.url}`);
    config.access = { requirement, isAboutPath: isAboutPath(requirement, route.url) };
    route.config = config as never;
  });
  app.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-request-id', request.id);
    if (cors.handle(request.method, request.headers, reply.raw)) {
      void reply.code(204).send();
      return;
    }
    const route = accessOf(request);
    // No route at all, or none with this method: there is nothing to protect.
    if (route === undefined || isOpen(route.requirement)) {
      done();
      return;
    }
    const admit = (caller: Caller): void => {
      caller.charge(oneRequest);
      if (route.isAboutPath) hold(caller, route, request.params, reply);
      callers.set(request, caller);
    };
    const refuse = (reason: unknown): void => {
      const error = PortError.from(reason);
      if (error.code === 'unauthenticated') void reply.header('www-authenticate', challengeOf(request));
      done(error);
    };
    try {
      const found = access.authenticate(givenOf(request));
      if (found instanceof Promise) {
        void admitLater(found, admit, done, refuse);
        return;
      }
      admit(found);
    } catch (reason) {
      refuse(reason);
      return;
    }
    done();
  });
  app.addHook('preHandler', (request, reply, done) => {
    const route = accessOf(request);
    if (route !== undefined && !route.isAboutPath) {
      try {
        hold(callerOf(request), route, { ...(request.body as object), ...(request.params as object) }, reply);
      } catch (reason) {
        done(PortError.from(reason));
        return;
      }
    }
    done();
  });

  function isOpen(requirement: Requirement): boolean {
    if (requirement.kind === 'plain' && requirement.scope === 'metrics') return access.openMetrics;
    return requirement.kind === 'open';
  }
}

async function admitLater(
  found: Promise<Caller>,
  admit: (caller: Caller) => void,
  done: () => void,
  refuse: (reason: unknown) => void,
): Promise<void> {
  try {
    admit(await found);
  } catch (reason) {
    refuse(reason);
    return;
  }
  done();
}

/** @throws PortError `scope_missing`; the answer says the scopes to a client that asks for them by itself (RFC 6750). */
function hold(caller: Caller, { requirement }: RouteAccess, fields: unknown, reply: FastifyReply): void {
  const missing = missingScopes(caller.scopes, requirement, fields as Record<string, unknown>);
  if (missing === null) return;
  void reply.header('www-authenticate', `${REALM}, error="insufficient_scope", scope="${missing.join(' ')}"`);
  throw scopeMissing(caller.principal, missing);
}

/** Without an error for one who did not know that credentials are needed. */
function challengeOf({ headers }: FastifyRequest): string {
  const isEmpty = headers.authorization === undefined && headers['x-api-key'] === undefined;
  return isEmpty ? REALM : `${REALM}, error="invalid_token"`;
}

const oneRequest = { requests: 1 } as const;

function accessOf(request: FastifyRequest): RouteAccess | undefined {
  return (request.routeOptions.config as RouteConfig | undefined)?.access;
}

function givenOf(request: FastifyRequest): Given {
  const { authorization, 'x-api-key': apiKey }: IncomingHttpHeaders = request.headers;
  return { authorization, apiKey: apiKey as string | undefined, certificate: () => certificateOf(request.raw.socket) };
}
