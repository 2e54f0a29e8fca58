/** The OpenAPI document is one to two validators that know nothing of each other. */

import { Validator } from '@seriousme/openapi-schema-validator';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { expect, it } from 'vitest';
import { gateway } from './support.ts';

async function document(): Promise<Record<string, unknown>> {
  const world = await gateway();
  return (await world.call('GET', '/openapi.json')).json;
}

/** The schemas of the OpenAPI Initiative, by ajv. */
async function bySchema(specification: Record<string, unknown>): Promise<string[]> {
  const { valid, errors } = await new Validator().validate(structuredClone(specification));
  if (valid) return [];
  return typeof errors === 'string' ? [errors] : (errors ?? []).map(({ message }) => String(message));
}

/** Types and references, by rules of its own. */
async function byLint(specification: object): Promise<string[]> {
  const config = await createConfig({
    rules: {
      struct: 'error',
      'no-unresolved-refs': 'error',
      'no-identical-paths': 'error',
      'no-ambiguous-paths': 'error',
      'path-declaration-must-exist': 'error',
      'path-parameters-defined': 'error',
      'operation-operationId-unique': 'error',
      'operation-parameters-unique': 'error',
      'no-enum-type-mismatch': 'error',
      'no-invalid-media-type-examples': 'error',
      'operation-summary': 'error',
    },
  });
  const problems = await lintFromString({ source: JSON.stringify(specification), config });
  return problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer ?? ''}`);
}

it('is valid for both, and each of them finds what is broken on purpose', async () => {
  const specification = await document();
  expect(await bySchema(specification)).toEqual([]);
  expect(await byLint(specification)).toEqual([]);
  const broken = structuredClone(specification) as { paths: Record<string, Record<string, Record<string, unknown>>> };
  const operation = broken.paths['/v1/topics/{topic}']?.['get'] ?? {};
  operation['responses'] = { '200': { content: {} } };
  operation['parameters'] = [{ name: 'topic', in: 'nowhere' }];
  expect((await bySchema(broken)).length).toBeGreaterThan(0);
  expect((await byLint(broken)).length).toBeGreaterThan(0);
});
