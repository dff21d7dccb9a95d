// The last step of each job that a worker has begun: in memory for the next worker, in a file for the studio's next start. To lose it costs the job
// its time, never its picture, so nothing that goes wrong here is thrown.
import { lstat, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomic } from '../data/disk';
import { isOwnTemp } from '../data/temps';
import type { Log } from '../log/log';

/** A state is some latents: 3 MB for SDXL at 1024×1024. */
const MOST_BYTES = 256 << 20;

export class KeptSteps {
  private readonly folder: string;
  private readonly log: Log;
  /** null: there is none, whatever the file says until it is removed. */
  private readonly states = new Map<string, Uint8Array | null>();
  /** Jobs whose file is not yet what memory says. */
  private readonly unwritten = new Set<string>();
  private writing: Promise<void> | null = null;
  private isFailing = false;

  constructor(folder: string, log: Log) {
    this.folder = folder;
    this.log = log;
  }

  /** In place of what was kept of the job. */
  keep(jobId: string, state: Uint8Array): void { this.set(jobId, state); }

  /** The job has ended, or cannot go on from it. */
  drop(jobId: string): void { this.set(jobId, null); }

  async get(jobId: string): Promise<Uint8Array | undefined> {
    const state = this.states.get(jobId);
    return state === undefined ? this.read(jobId) : state ?? undefined;
  }

  /** Removes what was kept of all but those jobs. Only for who has the folder alone. */
  async sweep(isWanted: (jobId: string) => boolean): Promise<void> {
    const files = await readdir(this.folder).catch(() => []);
    for (const file of files) if (!isOwnTemp(file) && !isWanted(jobOf(file))) await rm(join(this.folder, file), { recursive: true, force: true }).catch(() => {});
  }

  /** Resolves when the files are what memory says. */
  async settled(): Promise<void> { while (this.writing) await this.writing; }

  private path(jobId: string): string { return join(this.folder, fileOf(jobId)); }

  private async read(jobId: string): Promise<Uint8Array | undefined> {
    try {
      const found = await lstat(this.path(jobId));
      return found.isFile() && found.size <= MOST_BYTES ? await readFile(this.path(jobId)) : undefined;
    } catch {
      return undefined;
    }
  }

  private set(jobId: string, state: Uint8Array | null): void {
    this.states.set(jobId, state);
    this.unwritten.add(jobId);
    this.beginWriting();
  }

  private beginWriting(): void {
    this.writing ??= this.writeAll().finally(() => {
      this.writing = null;
      if (this.unwritten.size > 0) this.beginWriting();      // one that came in just as the last one ended
    });
  }

  /** One file after the other; of a job that moves on meanwhile, only the newest. */
  private async writeAll(): Promise<void> {
    for (const jobId of this.unwritten) {
      this.unwritten.delete(jobId);                 // added again, it comes up again
      const state = this.states.get(jobId);
      try {
        await (state ? writeAtomic(this.path(jobId), state) : rm(this.path(jobId), { recursive: true, force: true }));
        if (state === null && this.states.get(jobId) === null) this.states.delete(jobId);
        this.isFailing = false;
      } catch (error) {
        if (!this.isFailing) this.log.warn('steps.unkept', { job: jobId, error });
        this.isFailing = true;
      }
    }
  }
}

const ENDING = '.safetensors';
const fileOf = (jobId: string): string => `${encodeURIComponent(jobId)}${ENDING}`;
/** '' of what is no such file. */
const jobOf = (file: string): string => (file.endsWith(ENDING) && fileOf(file.slice(0, -ENDING.length)) === file ? file.slice(0, -ENDING.length) : '');
