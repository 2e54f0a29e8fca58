/**
 * What each use must be able to rely on: properties, which scenarios ask for, and what its own workload must show. From both the
 * verdict of the use: which system suits it, by which cells. A bound of time is generous: it says that the use is possible at that
 * load on this machine, not who is fastest. Pure.
 */

import type { Report, UseVerdict } from '../report/model.ts';
import { type Advice, decideAdvice, type Documented, type Load } from './decide.ts';
import type { Ask, Rule } from './rules.ts';

export interface Use {
  /** Of the workload, and the word of `sluice recommend --use`. */
  readonly id: string;
  readonly title: string;
  readonly needs: readonly Rule[];
}

const anyLoad: Load = { ratePerSecond: null, messageBytes: null, p99Ms: null };

export const uses: readonly Use[] = [
  use('microservice-events', 'Microservice events', [
    does('every service hears every event, also after being away', ['fan-out', 'away-subscriber']),
    does('an event that fails is tried again and in the end set aside', ['poison-message', 'dead-letter']),
    does('the order of a key holds through retries', ['order-after-nack']),
    bears('microservice-events', [p99('readers.orders.p99Ms', 'orders', 250), nothingMissing('payments')]),
  ]),
  use('shop-orders', 'Order fan-out of a shop', [
    does('each reader gets every order, at its own pace', ['fan-out', 'away-subscriber']),
    does('one that does not read holds up nobody', ['idle-subscription']),
    does('the orders of a customer are worked off in order, with several workers', ['order-per-key-competing']),
    bears('shop-orders', [
      nothingMissing('inventory'),
      {
        figure: 'readers.inventory.catchUpMs',
        relation: '<=',
        bound: 10_000,
        unit: 'ms',
        words: 'inventory caught up in',
      },
      nothingMissing('recommendations'),
      p99('readers.database.p99Ms', 'database', 250),
    ]),
  ]),
  use('monitoring', 'Monitoring and alerting', [
    does('the readings of a host are looked at in order, with several workers', ['order-per-key-competing']),
    does('what is no reading is kept, with the reason', ['dead-letter']),
    does('a backlog is taken in and drained', ['backlog-drain']),
    bears('monitoring', [p99('readers.alerts.p99Ms', 'alerts', 500)]),
  ]),
  use('recommendation-stream', 'Recommendation stream', [
    does('a model that is added later gets what was before it', ['late-subscriber']),
    does('the history is read again while new clicks come', ['replay-after-ack', 'replay-while-live']),
    bears('recommendation-stream', [
      nothingMissing('rebuild'),
      {
        figure: 'readers.rebuild.replayPerSecond',
        relation: '>=',
        bound: 3_000,
        unit: 'messages/s',
        words: 'rebuilt at',
      },
    ]),
  ]),
  use('log-collection', 'Log collection and analysis', [
    does('everything can be read again, from the beginning or from a place', ['replay-after-ack', 'replay-offset']),
    does('a message is stored once, however many read it', ['fan-out-disk']),
    does('a backlog is taken in and drained', ['backlog-drain']),
    bears('log-collection', [
      nothingMissing('archive'),
      nothingMissing('reindex'),
      {
        figure: 'readers.reindex.replayPerSecond',
        relation: '>=',
        bound: 6_000,
        unit: 'messages/s',
        words: 'read again at',
      },
    ]),
  ]),
  use('fraud-scoring', 'Fraud scoring of payments', [
    does('the payments of a card are scored in order, with several scorers', ['order-per-key-competing']),
    does('nothing of a killed scorer is lost, and what it had acknowledged does not come again', ['consumer-kill']),
    does('a killed broker loses nothing that was acknowledged', ['broker-kill']),
    bears('fraud-scoring', [nothingMissing('scorer'), p99('readers.scorer.p99Ms', 'scorers', 100)]),
  ]),
];

/** Of each use whose workload ran in the report. */
export function decideUses(report: Report, documented: Documented): readonly UseVerdict[] {
  const ran = new Set(report.workloads.map(({ id }) => id));
  return uses
    .filter(({ id }) => ran.has(id))
    .map(({ id, title, needs }) => {
      const advice = decideAdvice({ report, rules: needs, load: anyLoad, documented });
      const { findings, report: source } = advice;
      const sorted = sortedOut(advice);
      const repeats = Math.max(...report.summaries.filter((cell) => cell.workload === id).map((cell) => cell.repeats));
      return {
        id,
        title,
        suited: sorted.suited,
        answer: answerOf(sorted, advice),
        scope: `${repeats} ${repeats === 1 ? 'run' : 'runs'} of its workload on each system through Sluice's port, ${nodesOf(report)} of each, ${source.machine}; properties by the bare client (amqplib, kafkajs) where it has them`,
        findings,
      };
    });
}

function nodesOf({ systems }: Report): string {
  const counts = [...new Set(systems.filter(({ id }) => id !== 'log').map(({ nodes }) => nodes))];
  return counts.length === 1 && counts[0] === 1 ? 'one node' : `${counts.join(' or ')} nodes`;
}

interface SortedOut {
  readonly suited: readonly string[];
  /** They do it too, with more emulation, or behind another. */
  readonly possible: readonly string[];
  readonly lacking: readonly string[];
  readonly open: readonly string[];
}

/** What is not known is never a yes. */
function sortedOut({ recommended, ranking }: Advice): SortedOut {
  const named = (wanted: (fits: Advice['ranking'][number]['fits']) => boolean) =>
    ranking.filter(({ fits }) => wanted(fits)).map(({ system }) => system);
  const whole = named(({ no, unknown }) => no + unknown === 0);
  return {
    suited: whole.filter((system) => recommended.includes(system)),
    possible: whole.filter((system) => !recommended.includes(system)),
    lacking: named(({ no }) => no > 0),
    open: named(({ no, unknown }) => no === 0 && unknown > 0),
  };
}

/** `Suited: kafka. Also possible, ...: rabbitmq-stream. Not: rabbitmq-quorum (its workload, shop-orders). Left open: ...` */
function answerOf({ suited, possible, lacking, open }: SortedOut, { findings }: Advice): string {
  const because = (system: string, fit: 'no' | 'unknown') => {
    const needs = findings.filter((finding) => finding.system === system && finding.fit === fit);
    return `${system} (${needs.map(({ need }) => need).join('; ')})`;
  };
  return [
    suited.length === 0 ? 'No system was shown to suit it alone.' : `Suited: ${suited.join(', ')}.`,
    ...(possible.length === 0 ? [] : [`Also possible, with more emulation or behind another: ${possible.join(', ')}.`]),
    ...(lacking.length === 0 ? [] : [`Not: ${lacking.map((system) => because(system, 'no')).join(', ')}.`]),
    ...(open.length === 0 ? [] : [`Left open: ${open.map((system) => because(system, 'unknown')).join(', ')}.`]),
  ].join(' ');
}

function use(id: string, title: string, needs: readonly Rule[]): Use {
  return { id, title, needs };
}

/** The words are the need: in a use they are read, not typed. */
function does(words: string, scenarios: readonly string[]): Rule {
  return {
    need: words,
    question: `Must it be so that ${words}?`,
    predicate: { kind: 'holds-on-any-layer', scenarios },
    wouldChange: 'other settings of the broker, another version, or work of the application instead',
  };
}

function bears(workload: string, asks: readonly Ask[]): Rule {
  return {
    need: `its workload, ${workload}`,
    question: 'Must it bear this load, within these bounds?',
    predicate: { kind: 'accepts', workload, mode: 'equal-load', asks },
    wouldChange: 'another rate, more cores, a cluster, or a bound that is tighter',
  };
}

function nothingMissing(reader: string): Ask {
  return { figure: `readers.${reader}.missing`, relation: '<=', bound: 0, unit: '', words: `missing in ${reader}` };
}

function p99(figure: string, reader: string, bound: number): Ask {
  return { figure, relation: '<=', bound, unit: 'ms', words: `p99 of ${reader}` };
}
