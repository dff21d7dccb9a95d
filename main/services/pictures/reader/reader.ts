// Reads pictures from outside in a process of its own, one after the other: a hostile one ends that process and no other, and is named as what
// did it. The process is started when it is needed, and let go when it has had nothing to do for a while.
import { setTimeout as sleep } from 'node:timers/promises';
import { basename } from 'node:path';
import type { PictureReport } from '../../../../preload/contract/picture-report';
import { AppError } from '../../../engine/errors';
import { forkChild } from '../../workers/fork';
import type { Spawn } from '../../workers/spawn';
import type { LocalModel } from '../read/resources';
import { ReaderProcess, type Death } from './process';
import { OUT_OF_MEMORY, type Answers, type FromReader, type Question, type ToReader } from './protocol';

export type SpawnReader = Spawn<ToReader, FromReader>;
export interface ReaderLimits {
  /** Resident, of the whole process. */
  readonly mostBytes: number;
  /** For one picture. */
  readonly mostSeconds: number;
  readonly idleMs: number;
}

/** 200 million pixels of 16 bits, the most that is decoded, take 1.6 GB. */
const LIMITS: ReaderLimits = { mostBytes: 2 * 2 ** 30, mostSeconds: 60, idleMs: 30_000 };
const HEAP_MB = 512;
const STOP_MS = 5_000;
/** A process that dies before it has begun has not died of the picture. */
const TRIES = 2;

const forkReader: SpawnReader = (entry) => forkChild(entry, { execArgv: [`--max-old-space-size=${HEAP_MB}`] });

export class PictureReader {
  private readonly entry: string;
  private readonly spawn: SpawnReader;
  private readonly limits: ReaderLimits;
  private process: ReaderProcess | null = null;
  /** What was asked before. One picture at a time bounds what pictures take together, and tells which one did it. */
  private last: Promise<unknown> = Promise.resolve();
  private waiting = 0;
  private idle: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(entry: string, { spawn = forkReader, ...limits }: Partial<ReaderLimits> & { spawn?: SpawnReader } = {}) {
    this.entry = entry;
    this.spawn = spawn;
    this.limits = { ...LIMITS, ...limits };
  }

  /** Of the process, while there is one. */
  get pid(): number | undefined { return this.process?.isAlive ? this.process.pid : undefined; }

  /** The upright size of a picture that can be decoded to its last row. `name`: what people call it. Throws picture.unreadable. */
  check(path: string, name = basename(path)): Promise<Answers['check']> { return this.ask({ type: 'check', path, name }, name); }

  /** What it says of itself. Throws file.notFound, picture.unreadable. */
  report(path: string, locals: readonly LocalModel[]): Promise<PictureReport> { return this.ask({ type: 'report', path, locals }, basename(path)); }

  /** A WebP, longest side 384. Throws picture.unreadable. */
  thumbnail(path: string): Promise<Uint8Array> { return this.ask({ type: 'thumbnail', path }, basename(path)); }

  /** Ends the process. What has no answer yet is refused. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.idle);
    if (!this.process) return;
    this.process.kill();
    await Promise.race([this.process.gone, sleep(STOP_MS, undefined, { ref: false })]);
  }

  private async ask<Type extends Question['type']>(question: Question & { readonly type: Type }, name: string): Promise<Answers[Type]> {
    this.waiting++;
    clearTimeout(this.idle);
    const answer = this.last.then(() => this.answer(question, name));
    this.last = answer.catch(() => {});
    try {
      return await answer as Answers[Type];
    } finally {
      if (--this.waiting === 0) this.idle = setTimeout(() => this.process?.kill(), this.limits.idleMs).unref();
    }
  }

  private async answer(question: Question, name: string): Promise<Answers[keyof Answers]> {
    const { mostBytes, mostSeconds } = this.limits;
    let death: Death | undefined;
    for (let tries = 0; tries < TRIES && !this.closed; tries++) {
      if (!this.process?.isAlive) this.process = new ReaderProcess(this.spawn(this.entry));
      const end = await this.process.ask({ ...question, mostBytes }, mostSeconds);
      if (end.type === 'answer') return end.answer;
      if (end.type === 'refused') throw end.error;
      if (this.closed) break;
      if (end.began) throw endedOver(name, end.type === 'late' ? `it took longer than ${mostSeconds} s` : causeOf(end.death, mostBytes));
      if (end.type === 'died') death = end.death;
    }
    if (this.closed) throw new AppError('picture.unreadable', { message: `${name} was not read, since the studio closes`, hint: 'Start Atelier again.' });
    const words = death?.stderr.trim().split('\n').at(-1);
    throw new AppError('worker.failed', {
      message: `The process that reads pictures does not start${words ? `: ${words}` : ''}`,
      hint: 'Start Atelier again. If that does not help, install it again.', data: { entry: this.entry, ...death },
    });
  }
}

const endedOver = (name: string, cause: string): AppError => new AppError('picture.unreadable', {
  message: `${name} cannot be read as a picture: ${cause}`,
  hint: 'Open it in another program, save it again, smaller if it is large, and use that.',
});

function causeOf({ code, signal, stderr }: Death, mostBytes: number): string {
  if (code === OUT_OF_MEMORY || /heap out of memory|bad_alloc/.test(stderr)) return `it needs more than ${Number((mostBytes / 2 ** 30).toFixed(1))} GB of memory`;
  return `reading it ended with ${signal ?? `code ${code}`}`;
}
