// Reads what comes from outside in a process of its own, one thing after the other: a hostile one ends that process and no other, and is named as what
// did it. The process is started when it is needed, and let go when it has had nothing to do for a while.
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../engine/errors';
import { systemFault } from '../../files/system-faults';
import type { Log } from '../log/log';
import { forkChild } from './fork';
import { lastWords } from './last-words';
import { OUT_OF_MEMORY, ReaderProcess, type Death, type FromReader, type ToReader } from './reader-process';
import type { Spawn } from './spawn';

export interface ReaderLimits {
  /** Resident, of the whole process, as long as it comes to look. */
  readonly mostBytes: number;
  /** For its own objects, also where it looks at nothing else. */
  readonly heapMb: number;
  /** For one question. */
  readonly mostSeconds: number;
  readonly idleMs: number;
}

/** How the process ended over a question. */
export type Ending = { readonly why: 'late'; readonly seconds: number } | { readonly why: 'memory'; readonly bytes: number } | { readonly why: 'ended'; readonly detail: string };

export type SpawnReader<Question, Answer> = Spawn<ToReader<Question>, FromReader<Answer>>;

export interface ReaderOptions<Question extends { readonly type: string }, Answer> {
  readonly entry: string;
  readonly log: Log;
  readonly limits: ReaderLimits;
  readonly spawn?: SpawnReader<Question, Answer> | undefined;
  /** The error for a question, by what people call what was asked of. */
  endedOver(name: string, ending: Ending): AppError;
  /** For one that comes when the reader closes. */
  closing(name: string): AppError;
}

const STOP_MS = 5_000;
/** A process that dies before it has begun has not died of the question. */
const TRIES = 2;

export class Reader<Question extends { readonly type: string }, Answer> {
  private readonly options: ReaderOptions<Question, Answer>;
  private process: ReaderProcess<Question, Answer> | null = null;
  /** What was asked before. One at a time bounds what all take together, and tells which one did it. */
  private last: Promise<unknown> = Promise.resolve();
  private waiting = 0;
  private idle: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(options: ReaderOptions<Question, Answer>) { this.options = options; }

  /** Of the process, while there is one. */
  get pid(): number | undefined { return this.process?.isAlive ? this.process.pid : undefined; }

  /** Ends the process. What has no answer yet is refused. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.idle);
    if (!this.process) return;
    this.process.kill();
    await Promise.race([this.process.gone, sleep(STOP_MS, undefined, { ref: false })]);
  }

  async ask(question: Question, name: string): Promise<Answer> {
    this.waiting++;
    clearTimeout(this.idle);
    const answer = this.last.then(() => this.answer(question, name));
    this.last = answer.catch(() => {});
    try {
      return await answer;
    } finally {
      if (--this.waiting === 0) this.idle = setTimeout(() => this.process?.kill(), this.options.limits.idleMs).unref();
    }
  }

  private async answer(question: Question, name: string): Promise<Answer> {
    const { entry, log, endedOver, closing, limits: { mostBytes, mostSeconds } } = this.options;
    let death: Death | undefined;
    for (let tries = 0; tries < TRIES && !this.closed; tries++) {
      if (!this.process?.isAlive) this.process = new ReaderProcess(this.spawn(entry));
      const end = await this.process.ask({ ...question, mostBytes }, mostSeconds);
      if (end.type === 'answer') return end.answer;
      if (end.type === 'refused') {
        if (end.trace) log.error('reader.refused', { kind: question.type, about: end.error.info, cause: end.trace });
        throw end.error;
      }
      if (this.closed) break;
      log.error('reader.died', { kind: question.type, ...(end.type === 'died' ? howDied(end.death) : { why: 'late' }) });
      if (end.began) throw endedOver(name, end.type === 'late' ? { why: 'late', seconds: mostSeconds } : causeOf(end.death, mostBytes));
      if (end.type === 'died') death = end.death;
    }
    if (this.closed) throw closing(name);
    throw systemFault(death?.error, entry) ?? new AppError('reader.notStarting', { detail: lastWords(death?.stderr ?? '') || howEnded(death) });
  }

  /** Throws machine.exhausted. */
  private spawn(entry: string): ReturnType<SpawnReader<Question, Answer>> {
    try {
      return this.options.spawn ? this.options.spawn(entry) : forkChild(entry, { execArgv: [`--max-old-space-size=${this.options.limits.heapMb}`] });
    } catch (cause) {
      throw systemFault(cause, entry) ?? cause;
    }
  }
}

function causeOf(death: Death, mostBytes: number): Ending {
  if (death.code === OUT_OF_MEMORY || /heap out of memory|bad_alloc/.test(death.stderr)) return { why: 'memory', bytes: mostBytes };
  return { why: 'ended', detail: howEnded(death) };
}

const howDied = ({ code, signal, stderr, error }: Death) => ({ exit: code, signal, said: stderr, error });
const howEnded = (death: Death | undefined): string => death?.signal ?? `exit code ${death?.code}`;
