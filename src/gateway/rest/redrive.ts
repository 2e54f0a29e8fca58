/** Dead letters, published again. */

import { callerOf } from '../access/rest-access.ts';
import type { Routes } from '../context.ts';
import { redrive } from '../redrive.ts';
import { NoQuery, SubscriptionParams } from '../schema/common.ts';
import { problemResponse } from '../schema/problem.ts';
import { RedriveAnswer, RedriveBody } from '../schema/redrive.ts';
import { problemOf } from './problem-handler.ts';

export const redriveRoutes: Routes = (app, context) => {
  app.route({
    method: 'POST',
    url: '/v1/subscriptions/:subscription/deadletters/redrive',
    schema: {
      tags: ['subscriptions'],
      summary:
        'Publish dead letters again, to the topic they came from. Goes on where the last one ended; 207 when one could not be stored.',
      params: SubscriptionParams,
      querystring: NoQuery,
      body: RedriveBody,
      response: { 200: RedriveAnswer, 207: RedriveAnswer, default: problemResponse },
    },
    handler: async (request, reply) => {
      const gone = new AbortController();
      const onClose = (): void => gone.abort();
      reply.raw.once('close', onClose);
      const { error, ...result } = await redrive(context, request.params.subscription, {
        ...request.body,
        signal: gone.signal,
        caller: callerOf(request),
      });
      reply.raw.off('close', onClose);
      if (error !== undefined && result.redriven === 0) throw error;
      return reply.code(error === undefined ? 200 : 207).send({
        ...result,
        dryRun: request.body.dryRun,
        ...(error === undefined ? {} : { problem: problemOf(error) }),
      });
    },
  });
};
