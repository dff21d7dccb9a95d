// The jobs of this session in the order in which they run: each change of one is shown to whoever listens, and stored where it must
// outlive the studio. What a worker does with them is the queue's.
import type { ErrorInfo } from '../../../preload/contract/errors';
import type { JobState, JobView, QueueEvent } from '../../../preload/contract/job';
import { toAppError } from '../../engine/errors';
import type { FileIds } from './job-files';
import { fresh } from './make-jobs';

/** What is kept of a job. */
export type StoredJob = Omit<JobView, 'step' | 'steps' | 'secondsPerStep' | 'secondsLeft' | 'preview' | 'notice' | 'remarks'> & { fileIds: FileIds };

export interface JobStore {
  insertMany(jobs: readonly StoredJob[]): void;
  update(id: string, patch: Partial<StoredJob>): void;
  /** Neither done, failed nor cancelled; oldest first. */
  listUnfinished(): StoredJob[];
}

export interface Entry {
  view: JobView;
  readonly fileIds: FileIds;
  cancelling: boolean;
  /** Cancelled, or the studio closes: nothing is waited for any longer. */
  readonly stop: AbortController;
  /** How often it was sent to a worker that died before it had begun. */
  unheard: number;
}

const FINISHED_KEPT = 200;
const active: readonly JobState[] = ['loading', 'running', 'decoding'];
const ended: readonly JobState[] = ['done', 'failed', 'cancelled'];

/** The worker has it, or gets it now. */
export const isActive = ({ view }: Entry): boolean => active.includes(view.state);

export class JobList {
  private readonly store: JobStore;
  private readonly publish: (event: QueueEvent) => void;
  /** In the order in which they came, which is the order in which they run and are listed. */
  private readonly entries = new Map<string, Entry>();

  constructor(store: JobStore, publish: (event: QueueEvent) => void) {
    this.store = store;
    this.publish = publish;
  }

  /** Takes up what the last session left: jobs that waited, and the one that it was cut off in, as the same try. */
  resume(): void {
    for (const { fileIds, ...kept } of this.store.listUnfinished()) {
      const attempt = kept.state === 'queued' ? kept.attempt : Math.max(0, kept.attempt - 1);
      this.enter({ ...kept, attempt, state: 'queued', ...fresh(kept.spec.steps), notice: null, remarks: [] }, fileIds);
    }
  }

  /** Stored before they are shown. */
  add(views: readonly JobView[], fileIds: FileIds): void {
    this.store.insertMany(views.map((view) => stored(view, fileIds)));
    for (const view of views) this.enter(view, fileIds);
    for (const view of views) this.publish({ type: 'job', job: { ...view } });
  }

  get(id: string): Entry | undefined { return this.entries.get(id); }
  all(): Iterable<Entry> { return this.entries.values(); }
  /** Finished ones of this session included, oldest first. */
  views(): JobView[] { return [...this.entries.values()].map(({ view }) => ({ ...view })); }

  next(): Entry | undefined {
    for (const entry of this.entries.values()) if (entry.view.state === 'queued') return entry;
    return undefined;
  }

  begin(entry: Entry): void {
    this.keep(entry, { ...fresh(entry.view.spec.steps), state: 'loading', attempt: entry.view.attempt + 1, startedAt: Date.now() });
  }

  /** Its try counts as not begun. */
  putBack(entry: Entry): void {
    this.keep(entry, { ...fresh(entry.view.spec.steps), state: 'queued', attempt: entry.view.attempt - 1, startedAt: null });
  }

  cancelled(entry: Entry): void { this.finish(entry, { state: 'cancelled' }); }
  fail(entry: Entry, error: ErrorInfo): void { this.finish(entry, { state: 'failed', error }); }

  finish(entry: Entry, patch: Partial<JobView>): void {
    this.keep(entry, { ...patch, preview: null, secondsLeft: null, endedAt: Date.now() });
    const done = [...this.entries.values()].filter(({ view }) => ended.includes(view.state));
    for (const { view } of done.slice(0, Math.max(0, done.length - FINISHED_KEPT))) this.entries.delete(view.id);
  }

  /** Shows a change and stores it. A disk that is full must not stop the queue: the change then holds for this session only. */
  keep(entry: Entry, patch: Partial<JobView>): void {
    this.show(entry, patch);
    try {
      this.store.update(entry.view.id, stored(entry.view, entry.fileIds));
    } catch (error) {
      console.error(`job ${entry.view.id} could not be stored: ${toAppError(error).message}`);
    }
  }

  show(entry: Entry, patch: Partial<JobView>): void {
    entry.view = { ...entry.view, ...patch };
    this.publish({ type: 'job', job: entry.view });
  }

  private enter(view: JobView, fileIds: FileIds): void {
    this.entries.set(view.id, { view, fileIds, cancelling: false, stop: new AbortController(), unheard: 0 });
  }
}

function stored({ step, steps, secondsPerStep, secondsLeft, preview, notice, remarks, ...kept }: JobView, fileIds: FileIds): StoredJob {
  return { ...kept, fileIds };
}
