// Reads pictures from outside in a process of its own (workers/reader.ts).
import { basename } from 'node:path';
import type { PictureReport } from '../../../../preload/contract/picture-report';
import { AppError } from '../../../engine/errors';
import type { Log } from '../../log/log';
import { Reader, type ReaderLimits, type SpawnReader } from '../../workers/reader';
import type { LocalModel } from '../../models/which-model';
import type { Answer, Answers, ControlMaking, Question } from './protocol';

export type SpawnPictureReader = SpawnReader<Question, Answer>;

/** 200 million pixels of 16 bits, the most that is decoded, take 1.6 GB. */
const LIMITS: ReaderLimits = { mostBytes: 2 * 2 ** 30, heapMb: 512, mostSeconds: 60, idleMs: 30_000 };

export class PictureReader {
  private readonly reader: Reader<Question, Answer>;

  constructor(entry: string, log: Log, { spawn, ...limits }: Partial<ReaderLimits> & { spawn?: SpawnPictureReader | undefined } = {}) {
    this.reader = new Reader({
      entry, log, spawn, limits: { ...LIMITS, ...limits },
      endedOver: (name, ending) => new AppError('picture.unreadable', { name, ...ending }), closing: (name) => new AppError('picture.unreadable', { why: 'closing', name }),
    });
  }

  /** Of the process, while there is one. */
  get pid(): number | undefined { return this.reader.pid; }

  /** The upright size of a picture that can be decoded to its last row. `name`: what people call it, '' where it has none. Throws picture.unreadable. */
  check(path: string, name = basename(path)): Promise<Answers['check']> { return this.ask({ type: 'check', path, name }, name); }

  /** What it says of itself. Throws file.notFound, picture.unreadable. */
  report(path: string, locals: readonly LocalModel[]): Promise<PictureReport> { return this.ask({ type: 'report', path, locals }, basename(path)); }

  /** A WebP, longest side 384. Throws picture.unreadable. */
  thumbnail(path: string): Promise<Uint8Array> { return this.ask({ type: 'thumbnail', path }, basename(path)); }

  /** What a control's network would read of it, small: a WebP, longest side 384. Throws picture.unreadable, request.invalid. */
  control(path: string, making: ControlMaking): Promise<Uint8Array> { return this.ask({ type: 'control', path, making }, basename(path)); }

  close(): Promise<void> { return this.reader.close(); }

  private ask<Type extends Question['type']>(question: Question & { readonly type: Type }, name: string): Promise<Answers[Type]> {
    return this.reader.ask(question, name) as Promise<Answers[Type]>;
  }
}
