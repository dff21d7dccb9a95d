// The queue: durable, one job at a time. It survives the worker's death and its own: a job is stored before it is acknowledged, and
// every change of state is stored as it happens.
//
//   queued ─► loading ─► running ─► decoding ─► saving ─► done         any of them ─► failed, cancelled
//     ▲          │ worker died over it, first time: once more
//     └──────────┘ studio closed, or was ended: the same try again
//
// A fault that is no job's own (pause.ts) holds up the job that met it where it is, and all behind it.
import type { Signal } from '../../api/studio';
import type { JobRequest, JobSpec, JobView, QueueEvent } from '../../../preload/contract/job';
import type { PictureRecord } from '../../../preload/contract/picture';
import { AppError, toAppError } from '../../engine/errors';
import type { JobTimings, Pixels } from '../../worker/protocol';
import type { WorkerHost } from '../workers/host';
import { Broadcast } from './broadcast';
import { explainCrash } from './explain';
import type { PromptFiles } from '../prompts/prompt-files';
import { JobFiles, type JobFileServices, type JobModels } from './job-files';
import { isActive, JobList, type Entry, type JobStore } from './job-list';
import { makeJobs } from './make-jobs';
import { Pause } from './pause';
import { PreviewEncoder } from './preview';
import { trackProgress } from './progress';
import { runOnWorker, type JobProgress, type Outcome } from './worker-run';

/** What the queue needs of the rest of the studio. */
export interface QueueServices extends JobFileServices {
  readonly host: WorkerHost;
  readonly jobs: JobStore;
  /** Fills styles and wildcards into a job's prompts. Throws job.invalid. */
  readonly prompts: Pick<PromptFiles, 'prepare'>;
  /** Puts the picture on disk and into the library. Throws disk.*; the same pixels may then be handed in again. */
  save(pixels: Pixels, job: JobSpec, seconds: number): Promise<PictureRecord>;
  readonly estimates: {
    /** Expected seconds after the last step. */
    decodeSeconds(job: JobSpec, model: JobModels['model']): number;
    /** What the run took, for later estimates. */
    measured(job: JobSpec, model: JobModels['model'], timings: JobTimings): void;
  };
}

type Made = Extract<Outcome, { type: 'done' }>;

/** A worker that died over the job cost it one. */
const ATTEMPTS = 2;
/** Workers that die of every job's message have a fault that no waiting mends. */
const UNHEARD_MOST = 3;
/** A step of a large model takes 10 s and more on a slow machine; to start a worker and to open the model again takes one or two. */
const CANCEL_MS = 1500;

export class Queue {
  private readonly services: QueueServices;
  private readonly files: JobFiles;
  private readonly cancelMs: number;
  private readonly broadcast = new Broadcast();
  private readonly jobs: JobList;
  private readonly pause: Pause;
  private readonly previews = new PreviewEncoder();
  private readonly saves = new Set<Promise<void>>();
  private workerState: 'starting' | 'ready' | 'died' = 'starting';
  private working: Promise<void> | null = null;
  private closing = false;

  /** `cancelMs`: a worker that does not answer a cancel for so long is killed. `retryMs`: between two looks whether what is in the way is gone. */
  constructor(services: QueueServices, { cancelMs = CANCEL_MS, retryMs }: { cancelMs?: number | undefined; retryMs?: number | undefined } = {}) {
    this.services = services;
    this.files = new JobFiles(services);
    this.jobs = new JobList(services.jobs, (event) => this.broadcast.publish(event));
    this.pause = new Pause((why) => this.broadcast.publish({ type: 'paused', why }), { retryMs });
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
    if (resume) this.jobs.resume();
    this.wakeWorker();
    this.pump();
  }

  /** Finished ones of this session included, oldest first. */
  list(): JobView[] { return this.jobs.views(); }

  async enqueue(request: JobRequest): Promise<JobView[]> {
    if (this.closing) throw new AppError('job.invalid', { message: 'The studio is closing', hint: 'Start Atelier again.' });
    const { ids: fileIds, ...models } = await this.files.ofRequest(request);
    const views = await Promise.all(makeJobs(request, models).map((view) => this.fillIn(view, request.styles)));
    this.jobs.add(views, fileIds);
    this.pump();
    return views.map((view) => ({ ...view }));
  }

  private async fillIn(view: JobView, styles: readonly string[] | undefined): Promise<JobView> {
    const { job, notices } = await this.services.prompts.prepare(view.spec, styles);
    return { ...view, spec: job, remarks: [...notices] };
  }

  async cancel(ids: readonly string[]): Promise<void> {
    for (const entry of ids.map((id) => this.jobs.get(id))) {
      if (entry?.view.state === 'queued') this.jobs.cancelled(entry);
      else if (entry && (isActive(entry) || this.pause.isMetBy(entry.view.id)) && !entry.cancelling) this.cancelActive(entry);
    }
  }

  events(signal: Signal): AsyncIterable<QueueEvent> {
    return this.broadcast.listen(signal, () => [{ type: 'snapshot', jobs: this.list() }, { type: 'worker', state: this.workerState }, { type: 'paused', why: this.pause.why }]);
  }

  /** Ends the worker, puts its job back into the queue for the next start, and waits for pictures that are being saved. */
  async close(): Promise<void> {
    this.closing = true;
    for (const { stop } of this.jobs.all()) stop.abort();
    await this.services.host.stop();
    await this.working;
    await Promise.all(this.saves);
  }

  private pump(): void {
    this.working ??= this.work().finally(() => {
      this.working = null;
      if (this.jobs.next() && !this.closing) this.pump();     // one that came in just as the last one ended
    });
  }

  private async work(): Promise<void> {
    for (;;) {
      await this.pause.over();
      const entry = this.jobs.next();
      if (!entry || this.closing) return;
      await this.runJob(entry);
    }
  }

  private async runJob(entry: Entry): Promise<void> {
    try {
      do {
        this.jobs.begin(entry);
        await this.tryJob(entry);
      } while (isActive(entry));
    } catch (error) {
      this.endEarly(entry, error);
    }
  }

  private endEarly(entry: Entry, error: unknown): void {
    if (entry.cancelling) this.jobs.cancelled(entry);
    else if (this.closing) this.jobs.putBack(entry);
    else this.jobs.fail(entry, toAppError(error).toInfo());
  }

  private async tryJob(entry: Entry): Promise<void> {
    const { host } = this.services;
    const { id, spec, attempt } = entry.view;
    const { signal } = entry.stop;
    const files = await this.pause.untilPossible(id, signal, () => orStopped(this.files.open(entry.fileIds, spec), signal));
    await this.pause.untilPossible(id, signal, () => orStopped(host.start(), signal));
    signal.throwIfAborted();

    const outcome = await runOnWorker(host, { type: 'run', id, job: spec, attempt, ...files.paths }, this.follow(entry, files.model));
    if (outcome.type === 'done') {
      this.jobs.show(entry, { remarks: [...entry.view.remarks, ...outcome.notices] });
      return this.beginSave(entry, files, outcome);
    }
    if (outcome.type === 'cancelled' || entry.cancelling) return this.jobs.cancelled(entry);
    if (outcome.type === 'stopped') return this.jobs.putBack(entry);
    if (outcome.type === 'failed') return this.jobs.fail(entry, outcome.error);
    // Below, the job is still active, so it is sent again.
    if (!outcome.began && ++entry.unheard < UNHEARD_MOST) return this.jobs.show(entry, { attempt: attempt - 1 });
    if (attempt >= ATTEMPTS) return this.jobs.fail(entry, explainCrash(outcome.crash));
    this.jobs.show(entry, { notice: 'worker.restarted' });
  }

  private follow(entry: Entry, model: JobModels['model']): (progress: JobProgress) => void {
    const { spec, attempt } = entry.view;
    const decodeSeconds = this.services.estimates.decodeSeconds(spec, model);
    const track = trackProgress(decodeSeconds);
    return (said) => {
      if (said.type === 'phase') return this.jobs.show(entry, { state: said.phase, ...(said.phase === 'decoding' && { secondsLeft: decodeSeconds }) });
      this.jobs.show(entry, { state: 'running', step: said.step, steps: said.steps, ...track(said.step, said.steps, said.seconds) });
      if (!said.preview) return;
      this.previews.encode(said.preview, (preview) => {
        if (isActive(entry) && entry.view.attempt === attempt) this.jobs.show(entry, { preview });
      });
    };
  }

  /** Saving goes on while the worker begins the next job; what cannot be written now is kept until it can. */
  private beginSave(entry: Entry, files: JobModels, made: Made): void {
    this.jobs.keep(entry, { state: 'saving', secondsLeft: null });
    const save = this.save(entry, files, made).catch((error: unknown) => this.endEarly(entry, error));
    this.saves.add(save);
    void save.finally(() => this.saves.delete(save));
  }

  private async save(entry: Entry, files: JobModels, { pixels, timings, embeddings }: Made): Promise<void> {
    const { view, stop: { signal } } = entry;
    const seconds = (Date.now() - (view.startedAt ?? view.createdAt)) / 1000;
    const spec = await this.files.withHashes(view.spec, files);
    if (embeddings.length > 0) spec.files.embeddings = [...embeddings];
    const picture = await this.pause.untilPossible(view.id, signal, () => this.services.save(pixels, spec, seconds));
    this.jobs.finish(entry, { state: 'done', spec, pictureId: picture.id });
    this.services.estimates.measured(spec, files.model, timings);
  }

  /**
   * A job that the worker does not have yet ends at once. The worker looks between steps; one that does not answer soon is killed, in a long
   * step or stuck, and its death ends the job as cancelled.
   */
  private cancelActive(entry: Entry): void {
    entry.cancelling = true;
    entry.stop.abort();
    this.services.host.send({ type: 'cancel', id: entry.view.id });
    setTimeout(() => { if (isActive(entry)) this.services.host.kill(entry.view.id); }, this.cancelMs).unref();
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
