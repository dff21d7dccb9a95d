// The queue: durable, one job at a time. It survives the worker's death and its own: a job is stored before it is acknowledged, and
// every change of state is stored as it happens.
//
//   queued ─► loading ─► running ─► decoding ─► saving ─► done         any of them ─► failed, cancelled
//     ▲          │ worker died over it, first time: once more
//     └──────────┘ studio closed, or was ended: the same try again         either from the last step that was kept (kept-steps.ts)
//
// A fault that is no job's own (pause.ts) holds up the job that met it where it is, and all behind it.
import { randomUUID } from 'node:crypto';
import type { Signal } from '../../api/studio';
import type { ErrorInfo } from '../../../preload/contract/errors';
import type { CancelMany, JobDetail, JobPage, JobRequest, JobView, QueueEvent, UpscaleRequest } from '../../../preload/contract/job';
import { AppError } from '../../engine/errors';
import { Broadcast } from './broadcast';
import type { PromptFiles } from '../prompts/prompt-files';
import { JobFiles, type JobFileServices } from './job-files';
import { briefOf } from './brief';
import { isActive, JobList, type Entry, type JobStore } from './job-list';
import { fresh, makeJobs, newJob, stepsOf, upscaleJob } from './make-jobs';
import { Pause } from './pause';
import { JobRunner, type RunServices, type RunTimes } from './run-job';

/** What the queue needs of the rest of the studio. */
export interface QueueServices extends JobFileServices, RunServices {
  readonly jobs: JobStore;
  /** Fills styles and wildcards into a job's prompts. Throws style.notFound, job.longPrompt. */
  readonly prompts: Pick<PromptFiles, 'prepare'>;
}

export interface QueueTimes extends RunTimes {
  /** Between two looks whether what is in the way is gone. */
  readonly retryMs?: number | undefined;
}

export class Queue {
  private readonly services: QueueServices;
  private readonly files: JobFiles;
  private readonly broadcast = new Broadcast();
  private readonly jobs: JobList;
  private readonly pause: Pause;
  private readonly runner: JobRunner;
  private workerState: 'starting' | 'ready' | 'died' = 'starting';
  private working: Promise<void> | null = null;
  private closing = false;

  constructor(services: QueueServices, { retryMs, ...times }: QueueTimes = {}) {
    this.services = services;
    this.files = new JobFiles(services);
    this.jobs = new JobList(services.jobs, services.log, (event) => this.tell(event));
    let before: ErrorInfo | null = null;
    this.pause = new Pause((why) => {
      if (why?.code !== before?.code) services.log.warn(why ? 'queue.paused' : 'queue.resumed', { about: why });
      before = why;
      this.broadcast.publish({ type: 'paused', why });
    }, { retryMs });
    this.runner = new JobRunner(services, { files: this.files, jobs: this.jobs, pause: this.pause }, times);
    services.host.on('starting', () => this.tellWorker('starting'));
    services.host.on('ready', () => this.tellWorker('ready'));
    services.host.on('crash', ({ asked }) => {
      if (!asked) this.tellWorker('died');
      this.wakeWorker();
    });
  }

  /** Brings up a worker. With `resume` it takes up what the last session left, as `takeUp` does. */
  start({ resume }: { resume: boolean }): void {
    if (resume) this.takeUp({ before: Infinity });
    this.wakeWorker();
    this.pump();
  }

  /** Jobs that waited, and the one that a session was cut off in, as the same try. Those of `before` (ms since 1970) and later are listed, and wait for another call. */
  takeUp({ before }: { before: number }): void {
    this.jobs.storeRest();      // else a job that has ended would be taken for one that was left
    this.jobs.takeUp({ before });
    if (before === Infinity) void this.sweepSteps();
    this.pump();
  }

  /** Removes what was kept of jobs that nothing is known of any more. Only for who has the folder alone. */
  sweepSteps(): Promise<void> { return this.services.steps.sweep((id) => this.jobs.get(id) !== undefined); }

  /** So that whoever listens looks at everything anew. */
  tellAll(): void {
    this.broadcast.publish(this.jobs.snapshot());
    this.broadcast.publish(this.jobs.waiting());
  }

  /** Finished ones of this session included, oldest first. */
  list(): JobView[] { return this.jobs.views(); }

  page({ after, limit }: { after: string | null; limit: number }): JobPage {
    const all = this.jobs.views(), from = after === null ? 0 : all.findIndex(({ id }) => id === after) + 1;
    if (after !== null && from === 0) throw new AppError('job.notFound', { id: after });
    const jobs = all.slice(from, from + limit);
    return { jobs, next: from + limit < all.length ? jobs.at(-1)!.id : null, total: all.length };
  }

  /** Also of an earlier session, as long as it is stored. Throws job.notFound, job.unreadable. */
  get(id: string): JobDetail {
    const stored = this.services.jobs.get(id);
    if (!stored) throw new AppError('job.notFound', { id });
    const { spec, fileIds: _fileIds, ...rest } = stored, view = this.jobs.get(id)?.view ?? { ...rest, ...briefOf(spec), ...fresh(stepsOf(spec)), notice: null, remarks: [] };
    return { ...view, spec };
  }

  /** How many wait because they may be another process's. */
  countHeld(): number { return this.jobs.countHeld(); }

  async enqueue(request: JobRequest): Promise<JobView[]> {
    if (this.closing) throw new AppError('studio.closing', {});
    const { ids: fileIds, ...models } = await this.files.ofRequest(request);
    const jobs = await Promise.all(makeJobs(request, models).map(async ({ spec, batch }) => {
      const { job, notices } = await this.services.prompts.prepare(spec, request.styles);
      const called = await this.files.withPromptLoras(job, fileIds, models.model);
      return newJob(called.spec, called.fileIds, batch, [...notices, ...called.notices]);
    }));
    this.jobs.add(jobs);
    this.pump();
    return jobs.map(({ view }) => ({ ...view }));
  }

  /** One picture, made larger. */
  async upscale(request: UpscaleRequest): Promise<JobView> {
    if (this.closing) throw new AppError('studio.closing', {});
    const { upscaler, size, ids } = await this.files.ofUpscale(request);
    const job = newJob(upscaleJob(request, upscaler, size), ids, { id: randomUUID(), index: 0, size: 1 }, []);
    this.jobs.add([job]);
    this.pump();
    return { ...job.view };
  }

  /** Throws job.held where another process may own one of them, and cancels the rest. */
  async cancel(ids: readonly string[]): Promise<void> {
    this.jobs.cancelUnreadable(ids);
    this.end(ids.flatMap((id) => this.jobs.get(id) ?? []));
  }

  /** Throws job.notFound, and as `cancel` does. */
  async cancelMany(many: CancelMany): Promise<void> {
    if (many.which === 'unreadable') this.jobs.cancelUnreadable();
    else this.end(this.jobs.between(many));
  }

  private end(entries: readonly Entry[]): void {
    const ours = entries.filter(({ held }) => !held);
    this.jobs.cancelled(ours.filter(({ view }) => view.state === 'queued'));
    for (const entry of ours) if ((isActive(entry) || this.pause.isMetBy(entry.view.id)) && !entry.cancelling) this.runner.cancel(entry);
    if (ours.length < entries.length) throw heldBack();
  }

  events(signal: Signal): AsyncIterable<QueueEvent> {
    return this.broadcast.listen(signal, () => [this.jobs.snapshot(), { type: 'worker', state: this.workerState }, { type: 'paused', why: this.pause.why }, this.jobs.waiting()]);
  }

  /** Ends the worker, puts its job back into the queue for the next start, with the steps that it has made, and waits for pictures that are being saved. */
  async close(): Promise<void> {
    this.closing = true;
    await this.runner.close();
    await this.working;
    await this.runner.settled();
    this.jobs.storeRest();
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
      await this.runner.run(entry);
    }
  }

  private tell(event: QueueEvent): void {
    if (event.type === 'job' && event.job.endedAt !== null) this.services.steps.drop(event.job.id);
    this.broadcast.publish(event);
  }

  private tellWorker(state: 'starting' | 'ready' | 'died'): void {
    this.workerState = state;
    this.broadcast.publish({ type: 'worker', state });
  }

  private wakeWorker(): void {
    if (!this.closing) this.services.host.start().catch(() => {});     // the next job hears of it
  }
}

const heldBack = (): AppError => new AppError('job.held', {});
