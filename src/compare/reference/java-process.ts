/** A Java process with one client in it: calls that are answered, publishes that are settled, deliveries that come. It ends with us. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { JavaPrograms } from '../../brokers/index.ts';
import { OpenCalls } from '../open-calls.ts';
import { WireRefusal } from '../systems/wire.ts';
import { FrameCutter, FrameReader, FrameWriter } from './frames.ts';

/** Of a frame to the process; the same numbers stand in java/Main.java. */
export const asked = {
  open: 1,
  createTopic: 2,
  deleteTopic: 3,
  createSubscription: 4,
  deleteSubscription: 5,
  publisher: 6,
  closePublisher: 7,
  publish: 8,
  consume: 9,
  closeConsumer: 10,
  settle: 11,
  load: 12,
  close: 13,
} as const;

const told = {
  answer: 1,
  refused: 2,
  settled: 3,
  delivery: 4,
  consumerFailed: 5,
  loadBegun: 6,
  loadSent: 7,
} as const;

/** Heap of a client: a plan of some million messages and the log of what became of them fit well. */
const heapMegabytesMax = 1_024;
const errorTailChars = 600;

/** What comes without having been asked for in that moment. */
export interface JavaEvents {
  readonly settled: (publisher: number, index: number, fate: number, code: string) => void;
  /** A frame from behind the consumer's number on. */
  readonly delivery: (consumer: number, fields: FrameReader) => void;
  readonly consumerFailed: (consumer: number, reason: string) => void;
  /** The process is gone, wanted or not. */
  readonly ended: () => void;
}

export interface LoadStages {
  readonly begun: () => void;
  readonly sent: () => void;
}

export class JavaProcess {
  readonly #process: ChildProcess;
  readonly #events: JavaEvents;
  readonly #calls = new OpenCalls<FrameReader>();
  readonly #loads = new Map<number, LoadStages>();
  #isGone = false;
  #said = '';

  constructor(programs: JavaPrograms, events: JavaEvents) {
    this.#events = events;
    this.#process = spawn('java', [`-Xmx${heapMegabytesMax}m`, '-cp', programs.classPath, 'Main'], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const cutter = new FrameCutter((frame) => this.#take(new FrameReader(frame)));
    this.#process.stdout?.on('data', (chunk: Buffer) => cutter.push(chunk));
    this.#process.stderr?.on('data', (chunk: Buffer) => {
      this.#said = (this.#said + chunk.toString()).slice(-errorTailChars);
    });
    // A pipe that breaks is told by the process's end.
    this.#process.stdin?.on('error', () => {});
    this.#process.on('error', (reason) => this.#end(reason.message));
    this.#process.on('exit', (code, signal) => this.#end(`it ended with ${signal ?? code}: ${this.#said}`));
  }

  get pid(): number | null {
    return this.#isGone ? null : (this.#process.pid ?? null);
  }

  /** Rejects with WireRefusal for what the client has not, with Error for what failed. */
  async call(kind: number, fields: (frame: FrameWriter) => void = () => {}, stages?: LoadStages): Promise<FrameReader> {
    return await this.#calls.ask((id) => {
      if (stages !== undefined) this.#loads.set(id, stages);
      const frame = new FrameWriter(kind).int(id);
      fields(frame);
      this.#process.stdin?.write(frame.frame());
    });
  }

  /** False where the process is gone. */
  tell(frame: FrameWriter): boolean {
    if (this.#isGone) return false;
    this.#process.stdin?.write(frame.frame());
    return true;
  }

  async kill(): Promise<void> {
    if (this.#isGone) return;
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await gone;
  }

  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process.kill(name);
  }

  #take(fields: FrameReader): void {
    const kind = fields.byte();
    const id = fields.int();
    switch (kind) {
      case told.answer:
        this.#loads.delete(id);
        this.#calls.answer(id, fields);
        return;
      case told.refused: {
        const isRefusal = fields.boolean();
        const message = fields.text();
        this.#loads.delete(id);
        this.#calls.fail(id, isRefusal ? new WireRefusal('broker_has_none', message) : new Error(message));
        return;
      }
      case told.settled:
        this.#events.settled(id, fields.int(), fields.byte(), fields.text());
        return;
      case told.delivery:
        this.#events.delivery(id, fields);
        return;
      case told.consumerFailed:
        this.#events.consumerFailed(id, fields.text());
        return;
      case told.loadBegun:
        this.#loads.get(id)?.begun();
        return;
      case told.loadSent:
        this.#loads.get(id)?.sent();
    }
  }

  #end(why: string): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#loads.clear();
    this.#calls.end(new Error(`the Java process is gone: ${why}`));
    this.#events.ended();
  }
}
