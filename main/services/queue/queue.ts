// The queue: durable, one job at a time. It survives the worker's death and its own: a job is stored before it is acknowledged, and
// every change of state is stored as it happens.
//
//   queued ─► loading ─► running ─► decoding ─► saving ─► done         any of them ─► failed, cancelled
//     ▲          │ worker died over it, first time: once more
//     └──────────┘ studio closed, or was ended: the same try again
import type { Signal } from '../../api/studio';
import type { ErrorInfo } from '../../../preload/contract/errors';
import type { JobRequest, JobSpec, JobState, JobView, QueueEvent } from '../../../preload/contract/job';
import type { PictureRecord } from '../../../preload/contract/picture';
import { AppError, toAppError } from '../../engine/errors';
import type { JobTimings, Pixels } from '../../worker/protocol';
import type { WorkerHost } from '../workers/host';
import { Broadcast } from './broadcast';
import { explainCrash, notSaved } from './explain';
import type { PromptFiles } from '../prompts/prompt-files';
import { JobFiles, type FileIds, type JobFileServices, type JobModels } from './job-files';
import { fresh, makeJobs } from './make-jobs';
import { PreviewEncoder } from './preview';
import { trackProgress } from './progress';
import { runOnWorker, type JobProgress, type Outcome } from './worker-run';

/** What is kept of a job. */
export type StoredJob = Omit<JobView, 'step' | 'steps' | 'secondsPerStep' | 'secondsLeft' | 'preview' | 'notice' | 'remarks'> & { fileIds: FileIds };

export interface JobStore {
  insertMany(jobs: readonly StoredJob[]): void;
  update(id: string, patch: Partial<StoredJob>): void;
  /** Neither done, failed nor cancelled; oldest first. */
  listUnfinished(): StoredJob[];
}

/** What the queue needs of the rest of the studio. */
export interface QueueServices extends JobFileServices {
  readonly host: WorkerHost;
  readonly jobs: JobStore;
  /** Fills styles and wildcards into a job's prompts. Throws job.invalid. */
  readonly prompts: Pick<PromptFiles, 'prepare'>;
  /** Puts the picture on disk and into the library. Throws disk.*. */
  save(pixels: Pixels, job: JobSpec, seconds: number): Promise<PictureRecord>;
  readonly estimates: {
    /** Expected seconds after the last step. */
    decodeSeconds(job: JobSpec, model: JobModels['model']): number;
    /** What the run took, for later estimates. */
    measured(job: JobSpec, model: JobModels['model'], timings: JobTimings): void;
  };
}

type Made = Extract<Outcome, { type: 'done' }>;
interface Entry {
  view: JobView;
  fileIds: FileIds;
  cancelling: boolean;
  /** Cancelled, or the studio closes: nothing is waited for any longer. */
  readonly stop: AbortController;
  /** How often it was sent to a worker that died before it had begun. */
  unheard: number;
}

/** A worker that died over the job cost it one. */
const ATTEMPTS = 2;
/** Workers that die of every job's message have a fault that no waiting mends. */
const UNHEARD_MOST = 3;
/** A step of a large model takes 10 s and more on a slow machine; to start a worker and to open the model again takes one or two. */
const CANCEL_MS = 1500;
const FINISHED_KEPT = 200;
const active: readonly JobState[] = ['loading', 'running', 'decoding'];
const ended: readonly JobState[] = ['done', 'failed', 'cancelled'];

export class Queue {
  private readonly services: QueueServices;
  private readonly files: JobFiles;
  private readonly cancelMs: number;
  private readonly entries = new Map<string, Entry>();
  private readonly broadcast = new Broadcast();
  private readonly previews = new PreviewEncoder();
  private readonly saves = new Set<Promise<void>>();
  private workerState: 'starting' | 'ready' | 'died' = 'starting';
  private working: Promise<void> | null = null;
  private closing = false;

  /** `cancelMs`: a worker that does not answer a cancel for so long is killed. */
  constructor(services: QueueServices, { cancelMs = CANCEL_MS }: { cancelMs?: number } = {}) {
    this.services = services;
    this.files = new JobFiles(services);
    this.cancelMs = cancelMs;
    services.host.on('starting', () => this.tellWorker('starting'));
    services.host.on('ready', () => this.tellWorker('ready'));
    services.host.on('crash', ({ asked }) => {
      if (!asked) this.tellWorker('died');
      this.wakeWorker();
    });
  }

  /** Brings up a worker. With `resume` it takes up what the last session left: jobs that waited, and the one that it was cut off in, as the same try. */
  start({ resume }: { resume: boolean }): void {
    for (const job of resume ? this.services.jobs.listUnfinished() : []) {
      const { fileIds, ...stored } = job;
      const attempt = job.state === 'queued' ? job.attempt : Math.max(0, job.attempt - 1);
      const view: JobView = { ...stored, attempt, state: 'queued', ...fresh(stored.spec.steps), notice: null, remarks: [] };
      this.entries.set(job.id, entryOf(view, fileIds));
    }
    this.wakeWorker();
    this.pump();
  }

  /** Finished ones of this session included, oldest first. */
  list(): JobView[] { return [...this.entries.values()].map(({ view }) => ({ ...view })); }

  async enqueue(request: JobRequest): Promise<JobView[]> {
    if (this.closing) throw new AppError('job.invalid', { message: 'The studio is closing', hint: 'Start Atelier again.' });
    const { ids: fileIds, ...models } = await this.files.ofRequest(request);
    const views = await Promise.all(makeJobs(request, models).map((view) => this.fillIn(view, request.styles)));
    this.services.jobs.insertMany(views.map((view) => stored(view, fileIds)));
    for (const view of views) this.entries.set(view.id, entryOf(view, fileIds));
    for (const view of views) this.broadcast.publish({ type: 'job', job: { ...view } });
    this.pump();
    return views.map((view) => ({ ...view }));
  }

  private async fillIn(view: JobView, styles: readonly string[] | undefined): Promise<JobView> {
    const { job, notices } = await this.services.prompts.prepare(view.spec, styles);
    return { ...view, spec: job, remarks: [...notices] };
  }

  async cancel(ids: readonly string[]): Promise<void> {
    for (const entry of ids.map((id) => this.entries.get(id))) {
      if (entry?.view.state === 'queued') this.finish(entry, { state: 'cancelled' });
      else if (entry && active.includes(entry.view.state) && !entry.cancelling) this.cancelActive(entry);
    }
  }

  events(signal: Signal): AsyncIterable<QueueEvent> {
    return this.broadcast.listen(signal, () => [{ type: 'snapshot', jobs: this.list() }, { type: 'worker', state: this.workerState }]);
  }

  /** Ends the worker, puts its job back into the queue for the next start, and waits for pictures that are being saved. */
  async close(): Promise<void> {
    this.closing = true;
    for (const { stop } of this.entries.values()) stop.abort();
    await this.services.host.stop();
    await this.working;
    await Promise.all(this.saves);
  }

  private pump(): void {
    this.working ??= this.work().finally(() => {
      this.working = null;
      if (this.next() && !this.closing) this.pump();     // one that came in just as the last one ended
    });
  }

  private async work(): Promise<void> {
    for (let entry = this.next(); entry && !this.closing; entry = this.next()) await this.runJob(entry);
  }

  private next(): Entry | undefined {
    for (const entry of this.entries.values()) if (entry.view.state === 'queued') return entry;
    return undefined;
  }

  private async runJob(entry: Entry): Promise<void> {
    try {
      do {
        this.keep(entry, { ...fresh(entry.view.spec.steps), state: 'loading', attempt: entry.view.attempt + 1, startedAt: Date.now() });
        await this.tryJob(entry);
      } while (active.includes(entry.view.state));
    } catch (error) {
      if (entry.cancelling) this.finish(entry, { state: 'cancelled' });
      else if (this.closing) this.putBack(entry);
      else this.fail(entry, toAppError(error).toInfo());
    }
  }

  private async tryJob(entry: Entry): Promise<void> {
    const { host } = this.services;
    const { id, spec, attempt } = entry.view;
    const { signal } = entry.stop;
    const files = await orStopped(this.files.open(entry.fileIds, spec), signal);
    await orStopped(host.start(), signal);
    signal.throwIfAborted();

    const outcome = await runOnWorker(host, { type: 'run', id, job: spec, attempt, ...files.paths }, this.follow(entry, files.model));
    if (outcome.type === 'done') {
      this.show(entry, { remarks: [...entry.view.remarks, ...outcome.notices] });
      return this.beginSave(entry, files, outcome);
    }
    if (outcome.type === 'cancelled' || entry.cancelling) return this.finish(entry, { state: 'cancelled' });
    if (outcome.type === 'stopped') return this.putBack(entry);
    if (outcome.type === 'failed') return this.fail(entry, outcome.error);
    // Below, the job is still active, so it is sent again.
    if (!outcome.began && ++entry.unheard < UNHEARD_MOST) return this.show(entry, { attempt: attempt - 1 });
    if (attempt >= ATTEMPTS) return this.fail(entry, explainCrash(outcome.crash));
    this.show(entry, { notice: 'worker.restarted' });
  }

  private follow(entry: Entry, model: JobModels['model']): (progress: JobProgress) => void {
    const { id, spec, attempt } = entry.view;
    const decodeSeconds = this.services.estimates.decodeSeconds(spec, model);
    const track = trackProgress(decodeSeconds);
    return (said) => {
      if (said.type === 'phase') return this.show(entry, { state: said.phase, ...(said.phase === 'decoding' && { secondsLeft: decodeSeconds }) });
      this.show(entry, { state: 'running', step: said.step, steps: said.steps, ...track(said.step, said.steps, said.seconds) });
      if (!said.preview) return;
      this.previews.encode(said.preview, (preview) => {
        const { view } = this.entries.get(id) ?? entry;
        if (active.includes(view.state) && view.attempt === attempt) this.show(entry, { preview });
      });
    };
  }

  /** Saving goes on while the worker begins the next job. */
  private beginSave(entry: Entry, files: JobModels, made: Made): void {
    this.keep(entry, { state: 'saving', secondsLeft: null });
    const save = this.save(entry, files, made).catch((error: unknown) => this.fail(entry, notSaved(error)));
    this.saves.add(save);
    void save.finally(() => this.saves.delete(save));
  }

  private async save(entry: Entry, files: JobModels, { pixels, timings, embeddings }: Made): Promise<void> {
    const { view } = entry;
    const seconds = (Date.now() - (view.startedAt ?? view.createdAt)) / 1000;
    const spec = await this.files.withHashes(view.spec, files);
    if (embeddings.length > 0) spec.files.embeddings = [...embeddings];
    const picture = await this.services.save(pixels, spec, seconds);
    this.services.estimates.measured(spec, files.model, timings);
    this.finish(entry, { state: 'done', spec, pictureId: picture.id });
  }

  /** One that the worker does not have yet ends at once. The worker looks between steps; one that does not answer soon is killed, in a long step or stuck; its death then ends the job as cancelled. */
  private cancelActive(entry: Entry): void {
    entry.cancelling = true;
    entry.stop.abort();
    this.services.host.send({ type: 'cancel', id: entry.view.id });
    setTimeout(() => { if (active.includes(entry.view.state)) this.services.host.kill(entry.view.id); }, this.cancelMs).unref();
  }

  private putBack(entry: Entry): void {
    this.keep(entry, { ...fresh(entry.view.spec.steps), state: 'queued', attempt: entry.view.attempt - 1, startedAt: null });
  }

  private fail(entry: Entry, error: ErrorInfo): void { this.finish(entry, { state: 'failed', error }); }

  private finish(entry: Entry, patch: Partial<JobView>): void {
    this.keep(entry, { ...patch, preview: null, secondsLeft: null, endedAt: Date.now() });
    const done = [...this.entries.values()].filter(({ view }) => ended.includes(view.state));
    for (const { view } of done.slice(0, Math.max(0, done.length - FINISHED_KEPT))) this.entries.delete(view.id);
  }

  /** Shows a change and stores it. A disk that is full must not stop the queue: the change then holds for this session only. */
  private keep(entry: Entry, patch: Partial<JobView>): void {
    this.show(entry, patch);
    try {
      this.services.jobs.update(entry.view.id, stored(entry.view, entry.fileIds));
    } catch (error) {
      console.error(`job ${entry.view.id} could not be stored: ${toAppError(error).message}`);
    }
  }

  private show(entry: Entry, patch: Partial<JobView>): void {
    entry.view = { ...entry.view, ...patch };
    this.broadcast.publish({ type: 'job', job: entry.view });
  }

  private tellWorker(state: 'starting' | 'ready' | 'died'): void {
    this.workerState = state;
    this.broadcast.publish({ type: 'worker', state });
  }

  private wakeWorker(): void {
    if (!this.closing) this.services.host.start().catch(() => {});     // the next job hears of it
  }
}

/** What was promised, unless the signal comes first: a drive or a worker that does not answer holds up nothing then. */
function orStopped<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

const entryOf = (view: JobView, fileIds: FileIds): Entry => ({ view, fileIds, cancelling: false, stop: new AbortController(), unheard: 0 });

function stored({ step, steps, secondsPerStep, secondsLeft, preview, notice, remarks, ...kept }: JobView, fileIds: FileIds): StoredJob {
  return { ...kept, fileIds };
}
