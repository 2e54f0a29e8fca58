/** The suite itself: a correct port passes every chapter, on both branches, and each broken one fails the chapter that is about it. */

import { describe, expect, it } from 'vitest';
import { type Capability, capabilityNames } from '../../src/adapters/capabilities.ts';
import { portFromDriver } from '../../src/adapters/open-port.ts';
import type { MessagingPort } from '../../src/adapters/port.ts';
import {
  type Chapter,
  chapters,
  memoryTiming,
  runChapters,
  type Timing,
  type TopicNeeds,
} from '../../src/conformance/index.ts';
import { brokenPorts } from '../support/broken-ports.ts';
import { ModelDriver } from '../support/model-driver.ts';

/** A broken port is waited for in vain: the shorter the better, as long as the correct one passes. */
const impatient: Timing = { ...memoryTiming, deadlineMs: 600 };

/** What the model can do and what it can do without, so that each chapter runs both its branches. */
const optional: readonly Capability[] = [
  'publish.dedup',
  'publish.beforeSubscription',
  'order.partition',
  'order.key',
  'order.keyParallel',
  'subscribe.late',
  'deadLetter',
  'delay',
  'ttl.message',
  'priority',
  'replay.earliest',
  'replay.offset',
  'replay.timestamp',
  'browse',
  'lag',
  'headers',
  'largeMessages',
  'durability.memory',
  'compaction',
  'ttl.retention',
];

/** The model compacts, and lets go of what is too old or too much, at once. */
const topics: TopicNeeds = { forCapability: { compaction: {}, 'ttl.retention': {} } };

const title = ({ capability, name }: Pick<Chapter, 'capability' | 'name'>): string => `${capability}: ${name}`;

describe('the conformance suite', () => {
  it('has a chapter for every capability, and no two chapters of one title', () => {
    const covered = new Set(chapters.map(({ capability }) => capability));
    expect(capabilityNames.filter((name) => !covered.has(name))).toEqual([]);
    expect(new Set(chapters.map(title)).size).toBe(chapters.length);
  });

  it.each([
    ['claims all it can', []],
    ['claims as little as it can', optional],
  ])('passes a correct port that %s', async (_what, without) => {
    const driver = new ModelDriver(without);
    const open = async (): Promise<MessagingPort> => await portFromDriver(driver);
    const results = await runChapters(chapters, {
      open,
      openAnother: open,
      topics,
      timing: memoryTiming,
      concurrency: 8,
    });
    expect(results.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
  });
});

describe('the suite rejects a port that', () => {
  it.concurrent.each(brokenPorts)('$name', async ({ caughtBy, because, open, openAnother }) => {
    const chapter = chapters.filter((candidate) => title(candidate) === caughtBy);
    expect(chapter.map(title)).toEqual([caughtBy]);
    const [result] = await runChapters(chapter, { open, openAnother, topics, timing: impatient });
    expect([result?.outcome, result?.detail]).toEqual(['failed', expect.stringMatching(because)]);
  });
});
