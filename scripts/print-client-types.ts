/** Prints the types of `sluice/client` from the schemas of the REST API: `npm run client-types`. A test holds the committed file to it. */

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { BackendAnswer, CapabilitiesAnswer } from '../src/gateway/schema/backend.ts';
import { PullAnswer, SettleAnswer } from '../src/gateway/schema/consume.ts';
import { MessageBody } from '../src/gateway/schema/message.ts';
import { Problem } from '../src/gateway/schema/problem.ts';
import { PublishMixedAnswer } from '../src/gateway/schema/publish.ts';
import { RedriveAnswer, RedriveBody } from '../src/gateway/schema/redrive.ts';
import {
  LagAnswer,
  SeekBody,
  Subscription,
  SubscriptionBody,
  SubscriptionPatch,
} from '../src/gateway/schema/subscriptions.ts';
import { BrowseAnswer, DeadLettersAnswer, Topic, TopicBody, TopicPatch } from '../src/gateway/schema/topics.ts';

export const clientTypesPath = fileURLToPath(new URL('../src/client/generated/schemas.ts', import.meta.url));

/** `input`: as a caller writes it, before defaults are filled in; `output`: as it is answered. */
const printed: readonly (readonly [string, z.ZodType, 'input' | 'output'])[] = [
  ['TopicOptions', TopicBody, 'input'],
  ['TopicChanges', TopicPatch, 'input'],
  ['TopicDefinition', Topic, 'output'],
  ['SubscriptionOptions', SubscriptionBody, 'input'],
  ['SubscriptionChanges', SubscriptionPatch, 'input'],
  ['SubscriptionDefinition', Subscription, 'output'],
  ['MessageJson', MessageBody, 'input'],
  ['PublishAnswer', PublishMixedAnswer, 'output'],
  ['PullAnswer', PullAnswer, 'output'],
  ['SettleAnswer', SettleAnswer, 'output'],
  ['SeekOptions', SeekBody, 'input'],
  ['Lag', LagAnswer, 'output'],
  ['BrowsePage', BrowseAnswer, 'output'],
  ['DeadLettersPage', DeadLettersAnswer, 'output'],
  ['RedriveOptions', RedriveBody, 'input'],
  ['RedriveResult', RedriveAnswer, 'output'],
  ['Capabilities', CapabilitiesAnswer, 'output'],
  ['Backend', BackendAnswer, 'output'],
  ['ProblemDocument', Problem, 'output'],
];

interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
}

export function printClientTypes(): string {
  const types = new Map<string, string>();
  for (const [name, schema, io] of printed) {
    const { $defs = {}, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as JsonSchema;
    for (const [inner, definition] of Object.entries($defs)) types.set(inner, declared(inner, definition));
    if (json.$ref === undefined) types.set(name, declared(name, json));
    else if (refName(json.$ref) !== name) types.set(name, `export type ${name} = ${refName(json.$ref)};`);
  }
  return `/** Printed from the schemas of the REST API by \`npm run client-types\`: change those. */\n\n${[...types.values()].join('\n\n')}\n`;
}

function declared(name: string, schema: JsonSchema): string {
  const text = typeOf(schema, '');
  return text.startsWith('{') && text.endsWith('}') && !text.includes('\n} | ')
    ? `export interface ${name} ${text}`
    : `export type ${name} = ${text};`;
}

function typeOf(schema: JsonSchema, indent: string): string {
  if (schema.$ref !== undefined) return refName(schema.$ref);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.anyOf !== undefined) return schema.anyOf.map((one) => typeOf(one, indent)).join(' | ');
  const { type } = schema;
  if (typeof type === 'object') return type.map((one) => typeOf({ ...schema, type: one }, indent)).join(' | ');
  switch (type) {
    case 'string':
    case 'boolean':
    case 'null':
      return type;
    case 'number':
    case 'integer':
      return 'number';
    case 'array': {
      const item = typeOf(schema.items ?? {}, indent);
      return `readonly ${/[ |]/.test(item) && !item.startsWith('{') ? `(${item})` : item}[]`;
    }
    case 'object':
      return objectOf(schema, indent);
    default:
      return 'unknown';
  }
}

function objectOf({ properties, required = [], additionalProperties }: JsonSchema, indent: string): string {
  if (properties === undefined) {
    const value = typeof additionalProperties === 'object' ? typeOf(additionalProperties, indent) : 'unknown';
    return `Readonly<Record<string, ${value}>>`;
  }
  const inner = `${indent}  `;
  const fields = Object.entries(properties).map(([field, schema]) => {
    const comment = schema.description === undefined ? '' : `${inner}/** ${schema.description} */\n`;
    return `${comment}${inner}readonly ${field}${required.includes(field) ? '' : '?'}: ${typeOf(schema, inner)};`;
  });
  return `{\n${fields.join('\n')}\n${indent}}`;
}

function refName(reference: string): string {
  return reference.slice(reference.lastIndexOf('/') + 1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(clientTypesPath, printClientTypes());
