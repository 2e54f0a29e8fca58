/**
 * Once for a whole `vitest run`: gets a RabbitMQ and a Kafka and tells every test of the project where they are. What cannot be had
 * is null, with the reason printed here; SLUICE_REQUIRE_BROKERS=rabbitmq,kafka makes that a failure instead.
 */

import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { type KafkaHandle, obtainBrokers, type RabbitMqHandle } from '../../src/brokers/index.ts';
import { renderFindings } from '../../src/conformance/index.ts';
import { readRows, recordedDir as recordedFaultsDir, renderRows } from '../faults/rows.ts';
import { readReports, recordedDir } from './conformance-results.ts';

declare module 'vitest' {
  interface ProvidedContext {
    rabbitmq: RabbitMqHandle | null;
    kafka: KafkaHandle | null;
    /** Where the conformance targets of this run leave what they found. */
    conformanceResultsDir: string;
    /** Where fault rounds of this run leave what they measured. */
    faultResultsDir: string;
  }
}

export default async function setUpBrokers(project: TestProject): Promise<() => Promise<void>> {
  const required = requiredBrokers();
  const brokers = await obtainBrokers({ want: ['rabbitmq', 'kafka'], rabbitmqStreams: true, onProgress: say });
  for (const handle of [brokers.rabbitmq, brokers.kafka]) {
    if (handle !== undefined) say(`${handle.kind}: ${handle.version}, by ${handle.source}`);
  }
  for (const { kind, reason } of brokers.skipped) say(`${kind}: SKIPPED: ${reason}`);
  const missing = brokers.skipped.filter(({ kind }) => required.includes(kind));
  if (missing.length > 0) {
    await brokers.stop();
    const reasons = missing.map(({ kind, reason }) => `${kind}: ${reason}`);
    throw new Error(`SLUICE_REQUIRE_BROKERS asks for what cannot be had: ${reasons.join('\n')}`);
  }
  project.provide('rabbitmq', plain(brokers.rabbitmq ?? null));
  project.provide('kafka', plain(brokers.kafka ?? null));
  const resultsDir = mkdtempSync(join(tmpdir(), 'sluice-conformance-results-'));
  project.provide('conformanceResultsDir', resultsDir);
  const faultsDir = mkdtempSync(join(tmpdir(), 'sluice-fault-results-'));
  project.provide('faultResultsDir', faultsDir);
  return async () => {
    await brokers.stop();
    printFindings(resultsDir);
    printFaults(faultsDir);
    for (const directory of [resultsDir, faultsDir]) rmSync(directory, { recursive: true });
  };
}

/** One table of all conformance targets of the run; SLUICE_CONFORMANCE_RECORD=1 keeps it for docs/CONFORMANCE.md. */
function printFindings(resultsDir: string): void {
  const reports = readReports(resultsDir);
  if (reports.length === 0) return;
  process.stdout.write(`\nconformance, capability x target:\n\n${renderFindings(reports)}\n\n`);
  if (process.env['SLUICE_CONFORMANCE_RECORD'] === '1') cpSync(resultsDir, recordedDir, { recursive: true });
}

/** One table of all fault rounds of the run; SLUICE_FAULTS_RECORD=1 keeps it for docs/FAULTS.md. */
function printFaults(resultsDir: string): void {
  const rows = readRows(resultsDir);
  if (rows.length === 0) return;
  process.stdout.write(`\nfaults, what was measured:\n\n${renderRows(rows)}\n\n`);
  if (process.env['SLUICE_FAULTS_RECORD'] === '1') cpSync(resultsDir, recordedFaultsDir, { recursive: true });
}

function requiredBrokers(): string[] {
  const required = (process.env['SLUICE_REQUIRE_BROKERS'] ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const unknown = required.filter((name) => name !== 'rabbitmq' && name !== 'kafka');
  // A typing error here would turn the check off without a word.
  if (unknown.length > 0) throw new Error(`SLUICE_REQUIRE_BROKERS: unknown broker "${unknown.join(',')}"`);
  return required;
}

/** Provided values travel to other processes, so they are data only. */
function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

function say(line: string): void {
  process.stdout.write(`brokers: ${line}\n`);
}
