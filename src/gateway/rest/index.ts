/** The routes of the REST API, in the order of the document. */

import type { Routes } from '../context.ts';
import { backendRoutes } from './backend.ts';
import { browseRoutes } from './browse.ts';
import { consumeRoutes } from './consume.ts';
import { operationRoutes } from './operations.ts';
import { publishRoutes } from './publish.ts';
import { sseRoutes } from './sse.ts';
import { subscriptionRoutes } from './subscriptions.ts';
import { topicRoutes } from './topics.ts';

export const restRoutes: Routes = (app, context) => {
  for (const routes of [
    topicRoutes,
    publishRoutes,
    browseRoutes,
    subscriptionRoutes,
    consumeRoutes,
    sseRoutes,
    backendRoutes,
    operationRoutes,
  ]) {
    routes(app, context);
  }
};
