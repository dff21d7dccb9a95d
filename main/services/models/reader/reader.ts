// Looks into model files in a process of its own (workers/reader.ts): a header of a hundred megabytes or a pickle of two million steps takes half a gigabyte
// while it is read, and holds up nobody else.
import { AppError } from '../../../engine/errors';
import type { Log } from '../../log/log';
import { Reader, type ReaderLimits, type SpawnReader } from '../../workers/reader';
import { describeModel, fileWithError, type Describe } from '../describe';
import type { Answer, Question } from './protocol';

const LIMITS: ReaderLimits = { mostBytes: 2 * 2 ** 30, heapMb: 1536, mostSeconds: 60, idleMs: 30_000 };

export class ModelReader {
  private readonly reader: Reader<Question, Answer>;

  constructor(entry: string, log: Log, { spawn, ...limits }: Partial<ReaderLimits> & { spawn?: SpawnReader<Question, Answer> } = {}) {
    this.reader = new Reader({
      entry, log, spawn, limits: { ...LIMITS, ...limits },
      endedOver: (file, ending) => new AppError('model.unreadable', { file, ...ending }), closing: () => new AppError('studio.closing', {}),
    });
  }

  /** As `describeModel`. A file over which the process ended has that as its error. */
  readonly describe: Describe = async (path, stamp, builtIn, notes) => {
    try {
      const file = await this.reader.ask({ type: 'describe', path, stamp, builtIn, notes }, path);
      return { ...file, error: file.entry.error && AppError.fromInfo(file.entry.error) };
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (error.code === 'model.unreadable') return fileWithError(path, stamp, builtIn, notes, error);
      if (error.code === 'reader.notStarting') return describeModel(path, stamp, builtIn, notes);      // better here than not at all
      throw error;
    }
  };

  close(): Promise<void> { return this.reader.close(); }
}
