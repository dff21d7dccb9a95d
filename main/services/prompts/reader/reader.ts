// Prompts made with people's own texts, which are read in a process of its own (workers/reader.ts): a file of many megabytes holds up nobody else, and the
// studio never holds one. Prompts that need none of them are made here.
import { join } from 'node:path';
import type { JobSpec } from '../../../../preload/contract/job';
import { AppError } from '../../../engine/errors';
import type { Style } from '../../../engine/text/styles';
import type { Log } from '../../log/log';
import { Reader, type ReaderLimits, type SpawnReader } from '../../workers/reader';
import { prepareWith, type Prepared, type PromptFiles } from '../prompt-files';
import type { Answer, Question } from './protocol';

export type SpawnPromptReader = SpawnReader<Question, Answer>;

/** A megabyte of YAML with short lines takes 130 MB and a second while it is parsed. */
const LIMITS: ReaderLimits = { mostBytes: 2 * 2 ** 30, heapMb: 1536, mostSeconds: 120, idleMs: 600_000 };

class NeedsFiles extends Error {}
const noFiles = { unreadable: [], lines: () => Promise.reject(new NeedsFiles()) };

export class PromptReader implements PromptFiles {
  private readonly dataDir: string;
  private readonly reader: Reader<Question, Answer>;

  constructor(entry: string, dataDir: string, log: Log, { spawn, ...limits }: Partial<ReaderLimits> & { spawn?: SpawnPromptReader | undefined } = {}) {
    this.dataDir = dataDir;
    this.reader = new Reader({
      entry, log, spawn, limits: { ...LIMITS, ...limits },
      endedOver: (folder, ending) => new AppError('prompts.unreadable', { folder, ...ending }), closing: () => new AppError('studio.closing', {}),
    });
  }

  /** Of the process, while there is one. */
  get pid(): number | undefined { return this.reader.pid; }

  /** Throws prompts.unreadable, too. */
  async prepare(job: JobSpec, styles: readonly string[] = []): Promise<Prepared> {
    try {
      if (styles.length === 0) return await prepareWith(job, [], noFiles);
    } catch (error) {
      if (!(error instanceof NeedsFiles)) throw error;
    }
    return await this.reader.ask({ type: 'prepare', dataDir: this.dataDir, job, styles }, join(this.dataDir, 'wildcards')) as Prepared;
  }

  /** Throws prompts.unreadable, too. */
  async styles(): Promise<Style[]> { return await this.reader.ask({ type: 'styles', dataDir: this.dataDir }, this.dataDir) as Style[]; }

  close(): Promise<void> { return this.reader.close(); }
}
