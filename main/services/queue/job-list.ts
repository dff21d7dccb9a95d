// The jobs of this session in the order in which they run: each change of one is shown to whoever listens, and stored where it must
// outlive the studio. Their texts are stored and not held. What a worker does with them is the queue's.
import type { ErrorInfo } from '../../../preload/contract/errors';
import type { AnyJob, CancelMany, JobState, JobView, QueueEvent } from '../../../preload/contract/job';
import type { UnreadableRecord } from '../../../preload/contract/unreadable';
import { AppError } from '../../engine/errors';
import type { Trace } from '../../engine/traces';
import type { Log } from '../log/log';
import type { Brief } from './brief';
import type { FileIds } from './job-files';
import { fresh, stepsOf, type NewJob } from './make-jobs';
import { Unstored } from './unstored';

/** How far a job has come, as it is kept. */
type Standing = Pick<JobView, 'state' | 'attempt' | 'error' | 'pictureId' | 'createdAt' | 'startedAt' | 'endedAt'>;
interface Kept extends Standing { readonly id: string; readonly batch: JobView['batch']; readonly fileIds: FileIds }
/** What is kept of a job. */
export type StoredJob = Kept & { readonly spec: AnyJob };
/** What is read of many. */
export type BriefJob = Kept & Brief;

export interface JobStore {
  insertMany(jobs: readonly StoredJob[]): void;
  /** `spec`: as its job is known by now. Its texts never change. */
  update(id: string, patch: Partial<Omit<StoredJob, 'id' | 'batch'>>): void;
  /** All of it. null where there is none. Throws job.unreadable. */
  get(id: string): StoredJob | null;
  /** Neither done, failed nor cancelled; oldest first. */
  listUnfinished(): { readonly jobs: readonly BriefJob[]; readonly unreadable: readonly UnreadableRecord[] };
  /** All of them or none. All else of them stays as it is. */
  cancelMany(ids: readonly string[], at: number): void;
}

export interface Entry {
  view: JobView;
  readonly fileIds: FileIds;
  /** Perhaps somebody else's: nothing is done about it. */
  readonly held: boolean;
  /** Another session left it. */
  readonly isResumed: boolean;
  /** When its last try began, by a clock that nobody sets. */
  beganMs: number;
  cancelling: boolean;
  /** Cancelled, or the studio closes: nothing is waited for any longer. */
  readonly stop: AbortController;
  /** How often it was sent to a worker that died before it had begun. */
  unheard: number;
  /** A worker died over it for want of memory, or may have: what one died of in an earlier session is not known. */
  sparing: boolean;
}

const FINISHED_KEPT = 200;
/** Of jobs that wait, and of those that cannot be read. */
const SHOWN = 100;
const active: readonly JobState[] = ['loading', 'running', 'decoding'];
const ended: readonly JobState[] = ['done', 'failed', 'cancelled'];

/** The worker has it, or gets it now. */
export const isActive = ({ view }: Entry): boolean => active.includes(view.state);
const isWaiting = ({ view }: Entry): boolean => view.state === 'queued';
const hasEnded = ({ view }: Entry): boolean => ended.includes(view.state);

export class JobList {
  private readonly store: JobStore;
  private readonly unstored: Unstored;
  private readonly log: Log;
  private readonly publish: (event: QueueEvent) => void;
  /** In the order in which they came, which is the order in which they run and are listed. */
  private readonly entries = new Map<string, Entry>();
  /** What the last session left and this Atelier cannot read. */
  private unreadable: readonly UnreadableRecord[] = [];

  constructor(store: JobStore, log: Log, publish: (event: QueueEvent) => void) {
    this.store = store;
    this.unstored = new Unstored((id, patch) => store.update(id, patch));
    this.log = log;
    this.publish = publish;
  }

  /**
   * Takes up what other sessions left: jobs that waited, and the one that it was cut off in, as the same try. Those that were asked for at `before` (ms since
   * 1970) or later may be the own ones of a session that lives: they are shown, and taken up when it has ended.
   */
  takeUp({ before }: { before: number }): void {
    const { jobs, unreadable } = this.store.listUnfinished();
    this.unreadable = unreadable.filter(({ createdAt }) => createdAt < before);
    for (const [id, entry] of this.entries) if (entry.held) this.entries.delete(id);
    for (const { fileIds, ...kept } of jobs) {
      if (this.entries.has(kept.id)) continue;
      const attempt = kept.state === 'queued' ? kept.attempt : Math.max(0, kept.attempt - 1);
      const held = kept.createdAt >= before;
      this.enter({ ...kept, attempt, state: 'queued', ...fresh(stepsOf(kept.settings)), notice: held ? 'folder.shared' : null, remarks: [] }, fileIds, { held, isResumed: true });
    }
    this.publish(this.snapshot());
    this.publish(this.waiting());
  }

  /** Stored before they are shown. */
  add(jobs: readonly NewJob[]): void {
    this.store.insertMany(jobs.map(({ view: { id, batch, ...view }, spec, fileIds }) => ({ id, batch, spec, fileIds, ...standing(view) })));
    for (const { view: { id, batch }, spec } of jobs.slice(0, 1)) {
      const { kind, width, height } = spec, how = spec.kind === 'upscale' ? {} : { steps: spec.steps, sampler: spec.sampler, schedule: spec.schedule };
      this.log.info('job.queued', { job: id, batch: batch.id, count: jobs.length, kind, width, height, ...how });
    }
    for (const { view, fileIds } of jobs) this.enter(view, fileIds);
    for (const { view } of jobs) this.publish({ type: 'job', job: { ...view } });
    this.publish(this.waiting());
  }

  get(id: string): Entry | undefined { return this.entries.get(id); }
  /** All that it is made from. Throws job.notFound, job.unreadable, and what keeps the store from being read. */
  spec(id: string): AnyJob { return (this.store.get(id) ?? notFound(id)).spec; }
  all(): Iterable<Entry> { return this.entries.values(); }
  /** Finished ones of this session included, oldest first. */
  views(): JobView[] { return [...this.entries.values()].map(({ view }) => ({ ...view })); }
  countHeld(): number { return [...this.entries.values()].filter(({ held }) => held).length; }

  snapshot(): QueueEvent {
    let waiting = 0;
    const shown = [...this.entries.values()].filter((entry) => !isWaiting(entry) || ++waiting <= SHOWN);
    return { type: 'snapshot', jobs: shown.map(({ view }) => ({ ...view })), ...this.shownUnreadable() };
  }

  waiting(): QueueEvent {
    const waiting = [...this.entries.values()].filter(isWaiting);
    return { type: 'waiting', count: waiting.length, next: waiting[0] ? { ...waiting[0].view } : null };
  }

  next(): Entry | undefined {
    for (const entry of this.entries.values()) if (isWaiting(entry) && !entry.held) return entry;
    return undefined;
  }

  /** Those that wait, or all that have not ended. Throws job.notFound. */
  between({ which, after, upTo }: CancelMany): Entry[] {
    const all = [...this.entries.values()], placeOf = (id: string): number => all.findIndex(({ view }) => view.id === id);
    for (const id of [after, upTo]) if (id !== undefined && !this.entries.has(id)) notFound(id);
    const from = after === undefined ? 0 : placeOf(after) + 1, to = upTo === undefined ? all.length : placeOf(upTo) + 1;
    return all.slice(from, to).filter(which === 'waiting' ? isWaiting : (entry) => !hasEnded(entry));
  }

  begin(entry: Entry): void {
    entry.beganMs = performance.now();
    this.log.info('job.began', { job: entry.view.id, attempt: entry.view.attempt + 1 });
    this.keep(entry, { ...fresh(stepsOf(entry.view.settings)), state: 'loading', attempt: entry.view.attempt + 1, startedAt: Date.now() });
    this.publish(this.waiting());
  }

  /** Its try counts as not begun. */
  putBack(entry: Entry): void {
    this.keep(entry, { ...fresh(stepsOf(entry.view.settings)), state: 'queued', attempt: entry.view.attempt - 1, startedAt: null });
    this.publish(this.waiting());
  }

  cancelled(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    const endedAt = Date.now(), ids = entries.map(({ view }) => view.id);
    this.log.info('job.cancelled', { job: ids[0], count: ids.length });
    for (const entry of entries) this.show(entry, { state: 'cancelled', ...over, endedAt });
    this.letGo();
    this.publish(this.waiting());
    try {
      this.store.cancelMany(ids, endedAt);
    } catch (error) {
      this.log.error('job.unstored', { job: ids[0], count: ids.length, error });
      for (const id of ids) this.unstored.add(id, { state: 'cancelled', endedAt });
    }
  }

  /** Those of these, or all. */
  cancelUnreadable(ids: readonly string[] = this.unreadable.map(({ id }) => id)): void {
    const asked = new Set(ids), gone = this.unreadable.filter(({ id }) => asked.has(id));
    if (gone.length === 0) return;
    this.store.cancelMany(gone.map(({ id }) => id), Date.now());
    this.unreadable = this.unreadable.filter(({ id }) => !asked.has(id));
    this.publish({ type: 'unreadable', ...this.shownUnreadable() });
  }
  fail(entry: Entry, error: ErrorInfo, cause?: Trace): void {
    this.log.error('job.failed', { job: entry.view.id, attempt: entry.view.attempt, step: entry.view.step, about: error, cause });
    this.finish(entry, { state: 'failed', error });
  }

  /** `spec`: as the job is known by now. */
  finish(entry: Entry, patch: Partial<JobView>, spec?: AnyJob): void {
    this.log.info('job.ended', { job: entry.view.id, state: patch.state, seconds: Math.round(performance.now() - entry.beganMs) / 1000 });
    this.keep(entry, { ...patch, ...over, endedAt: Date.now() }, spec);
    this.letGo();
    this.publish(this.waiting());
  }

  /** Once more what could not be stored. */
  storeRest(): void { this.unstored.retry(); }

  /** Shows a change and stores it. A disk that is full must not stop the queue: the change is then stored as soon as it can be. */
  keep(entry: Entry, patch: Partial<JobView>, spec?: AnyJob): void {
    this.show(entry, patch);
    try {
      this.unstored.store(entry.view.id, { ...standing(entry.view), ...(spec && { spec }) });
    } catch (error) {
      this.log.error('job.unstored', { job: entry.view.id, error });
    }
  }

  show(entry: Entry, patch: Partial<JobView>): void {
    entry.view = { ...entry.view, ...patch };
    this.publish({ type: 'job', job: entry.view });
  }

  private shownUnreadable() { return { unreadable: this.unreadable.slice(0, SHOWN), unreadableCount: this.unreadable.length }; }

  /** The oldest of those that have ended. */
  private letGo(): void {
    const done = [...this.entries.values()].filter(hasEnded);
    for (const { view } of done.slice(0, Math.max(0, done.length - FINISHED_KEPT))) this.entries.delete(view.id);
  }

  private enter(view: JobView, fileIds: FileIds, { held = false, isResumed = false } = {}): void {
    this.entries.set(view.id, { view, fileIds, held, isResumed, beganMs: performance.now(), cancelling: false, stop: new AbortController(), unheard: 0, sparing: view.attempt > 0 });
  }
}

/** What a job shows no more when it has ended. */
const over = { preview: null, secondsLeft: null };

const standing = ({ state, attempt, error, pictureId, createdAt, startedAt, endedAt }: Standing): Standing => ({ state, attempt, error, pictureId, createdAt, startedAt, endedAt });

function notFound(id: string): never {
  throw new AppError('job.notFound', { id });
}
