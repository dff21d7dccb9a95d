// One job's way, from the queue to the library: its files, its tries on a worker, its steps as they are kept, and the saving of its picture, which goes
// on while the worker begins the next job.
import type { ErrorInfo } from '../../../preload/contract/errors';
import type { AnyJob, JobSpec } from '../../../preload/contract/job';
import type { PictureRecord } from '../../../preload/contract/picture';
import { AppError, toAppError } from '../../engine/errors';
import { traceOf } from '../../engine/traces';
import { isPassing } from '../../files/system-faults';
import type { JobMessage, JobTimings, Pixels } from '../../worker/protocol';
import type { Log } from '../log/log';
import type { WorkerHost } from '../workers/host';
import type { WorkerMemory } from '../workers/memory';
import { explainCrash } from './explain';
import type { JobFiles, JobModels, OpenFiles } from './job-files';
import { isActive, type Entry, type JobList } from './job-list';
import type { KeptSteps } from './kept-steps';
import type { Pause } from './pause';
import { briefOf, briefRemarks } from './brief';
import { PreviewEncoder } from './preview';
import { trackProgress } from './progress';
import { askForLastStep, runOnWorker, type JobProgress, type Outcome } from './worker-run';

/** What a job needs of the rest of the studio. */
export interface RunServices {
  readonly host: WorkerHost;
  readonly memory: Pick<WorkerMemory, 'beforeJob'>;
  readonly steps: KeptSteps;
  readonly log: Log;
  /** Puts the picture on disk and into the library. Throws disk.*; the same pixels may then be handed in again. */
  save(pixels: Pixels, job: AnyJob, seconds: number, jobId: string): Promise<PictureRecord>;
  /** Whether a job of the last session, which has not ended, has its picture all the same. Throws machine.exhausted where that cannot be known just now. */
  isMade(jobId: string): Promise<boolean>;
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
/** A worker that dies, or is ended with the studio, costs its job no more than this and a step. */
const KEEP_MS = 5000;

export interface RunTimes {
  /** A worker that does not answer for so long, to a cancel or when the studio closes, is killed. */
  readonly cancelMs?: number | undefined;
  /** Between two states of a job that are kept. */
  readonly keepMs?: number | undefined;
}

export class JobRunner {
  private readonly services: RunServices;
  private readonly files: JobFiles;
  private readonly jobs: JobList;
  private readonly pause: Pause;
  private readonly cancelMs: number;
  private readonly keepMs: number;
  private readonly previews = new PreviewEncoder();
  private readonly saves = new Set<Promise<void>>();
  private closing = false;
  /** The job whose last step its worker has made, and not handed over. */
  private unkept: string | null = null;

  constructor(services: RunServices, { files, jobs, pause }: { files: JobFiles; jobs: JobList; pause: Pause }, { cancelMs = CANCEL_MS, keepMs = KEEP_MS }: RunTimes = {}) {
    this.services = services;
    this.files = files;
    this.jobs = jobs;
    this.pause = pause;
    this.cancelMs = cancelMs;
    this.keepMs = keepMs;
  }

  /** Resolves when the worker is free for the next one. */
  async run(entry: Entry): Promise<void> {
    const { view: { id }, stop: { signal } } = entry;
    try {
      if (entry.isResumed && await this.pause.untilPossible(id, signal, () => this.services.isMade(id))) this.jobs.finish(entry, { state: 'done', pictureId: id });
      if (entry.view.state !== 'queued') return;      // or cancelled meanwhile
      do {
        this.jobs.begin(entry);
        await this.tryJob(entry);
      } while (isActive(entry));
    } catch (error) {
      this.endEarly(entry, error);
    }
  }

  /**
   * A job that the worker does not have yet ends at once. The worker looks between steps; one that does not answer soon is killed, in a long
   * step or stuck, and its death ends the job as cancelled.
   */
  cancel(entry: Entry): void {
    entry.cancelling = true;
    entry.stop.abort();
    this.services.host.send({ type: 'cancel', id: entry.view.id });
    setTimeout(() => { if (isActive(entry)) this.services.host.kill(entry.view.id); }, this.cancelMs).unref();
  }

  /** Ends the worker; its job goes back into the queue for the next start, with the steps that it has made. */
  async close(): Promise<void> {
    this.closing = true;
    if (this.unkept !== null) await askForLastStep(this.services.host, this.unkept, this.cancelMs);
    for (const { stop } of this.jobs.all()) stop.abort();
    await this.services.host.stop();
  }

  /** Resolves when all pictures and steps are saved. */
  async settled(): Promise<void> {
    await Promise.all(this.saves);
    await this.services.steps.settled();
  }

  private endEarly(entry: Entry, error: unknown): void {
    if (entry.cancelling) this.jobs.cancelled([entry]);
    else if (this.closing) this.jobs.putBack(entry);
    else this.jobs.fail(entry, toAppError(error).info, traceOf(error));
  }

  private async tryJob(entry: Entry): Promise<void> {
    const { host, memory, steps } = this.services;
    const { id } = entry.view;
    const { signal } = entry.stop;
    const spec = await this.pause.untilPossible(id, signal, async () => this.jobs.spec(id));
    const { files, message } = await this.pause.untilPossible(id, signal, () => orStopped(this.files.message(entry.fileIds, spec), signal));
    const state = await steps.get(id);
    await memory.beforeJob(shapeOf(spec));
    const outcome = await this.pause.untilPossible(id, signal, async () => {
      await orStopped(host.start(), signal);
      signal.throwIfAborted();
      const whole: JobMessage = message.type === 'upscale' ? { ...message, id } : { ...message, id, sparing: entry.sparing, keepMs: this.keepMs, state };
      const outcome = await runOnWorker(host, whole, this.follow(entry, spec, files.model));
      this.unkept = null;
      if (outcome.type === 'failed' && isPassing(outcome.error.code)) throw AppError.fromInfo(outcome.error);
      return outcome;
    });
    if (outcome.type === 'done') {
      this.jobs.show(entry, { remarks: briefRemarks([...entry.view.remarks, ...outcome.notices]) });
      return this.beginSave(entry, spec, files, outcome);
    }
    if (outcome.type === 'cancelled' || entry.cancelling) return this.jobs.cancelled([entry]);
    if (outcome.type === 'stopped') return this.jobs.putBack(entry);
    if (outcome.type === 'failed') return this.jobs.fail(entry, outcome.error, outcome.trace);
    this.afterCrash(entry, outcome, state !== undefined);
  }

  /** The job is sent again while it stays active. */
  private afterCrash(entry: Entry, { reached, crash }: Extract<Outcome, { type: 'crashed' }>, hadState: boolean): void {
    const { attempt } = entry.view;
    if (reached === 'nothing' && ++entry.unheard < UNHEARD_MOST) return this.jobs.show(entry, { attempt: attempt - 1 });
    entry.sparing ||= crash.reason === 'memory';
    if (hadState && reached !== 'step') {
      // The state itself may be what it died of.
      this.startOver(entry, explainCrash(crash));
      return this.jobs.show(entry, { attempt: attempt - 1, notice: 'worker.restarted' });
    }
    if (attempt >= ATTEMPTS) return this.jobs.fail(entry, explainCrash(crash));
    this.jobs.show(entry, { notice: 'worker.restarted' });
  }

  private follow(entry: Entry, spec: AnyJob, model: OpenFiles['model']): (progress: JobProgress) => void {
    const { attempt } = entry.view;
    const decodeSeconds = spec.kind === 'upscale' || !model ? 0 : this.services.estimates.decodeSeconds(spec, model);
    const track = trackProgress(decodeSeconds);
    return (said) => {
      if (said.type === 'phase' && said.phase === 'running') this.pause.passed(entry.view.id);
      if (said.type === 'phase') return this.jobs.show(entry, { state: said.phase, ...(said.phase === 'decoding' && { secondsLeft: decodeSeconds }) });
      if (said.type === 'resumed') return this.jobs.show(entry, { step: said.step, steps: said.steps });
      if (said.type === 'startedOver') return this.startOver(entry, said.why);
      if (said.type === 'state') {
        this.unkept = null;
        return this.services.steps.keep(entry.view.id, said.state);
      }
      this.unkept = entry.view.id;
      this.jobs.show(entry, { state: 'running', step: said.step, steps: said.steps, ...track(said.step, said.steps, said.seconds) });
      if (!said.preview) return;
      this.previews.encode(said.preview, (preview) => {
        if (isActive(entry) && entry.view.attempt === attempt) this.jobs.show(entry, { preview });
      });
    };
  }

  /** Saving goes on while the worker begins the next job; what cannot be written now is kept until it can. */
  private beginSave(entry: Entry, spec: AnyJob, files: OpenFiles, made: Made): void {
    this.jobs.keep(entry, { state: 'saving', secondsLeft: null });
    const save = this.save(entry, spec, files, made).catch((error: unknown) => this.endEarly(entry, error));
    this.saves.add(save);
    void save.finally(() => this.saves.delete(save));
  }

  private async save(entry: Entry, job: AnyJob, files: OpenFiles, { pixels, timings, embeddings }: Made): Promise<void> {
    const { view, stop: { signal } } = entry;
    const seconds = (performance.now() - entry.beganMs) / 1000;
    const spec = await this.files.withHashes(job, files);
    if (spec.kind !== 'upscale' && embeddings.length > 0) spec.files.embeddings = [...embeddings];
    const picture = await this.pause.untilPossible(view.id, signal, () => this.services.save(pixels, spec, seconds, view.id));
    this.jobs.finish(entry, { state: 'done', ...briefOf(spec), pictureId: picture.id }, spec);
    if (spec.kind !== 'upscale' && files.model) this.services.estimates.measured(spec, files.model, timings);
  }

  /** What was kept of the job is of no use to it. */
  private startOver(entry: Entry, about: ErrorInfo): void {
    const { id } = entry.view;
    this.services.log.warn('job.startedOver', { job: id, about });
    this.services.steps.drop(id);
  }
}

/** Jobs of one shape need the same memory: of files, of the picture, and of its texts, which count as one until they are twice as long. */
function shapeOf(job: AnyJob): string {
  if (job.kind === 'upscale') return JSON.stringify([job.files, job.width, job.height, job.tile]);
  const { files, width, height, prompt, negative, cfg } = job;
  const doublings = (text: string): number => Math.floor(Math.log2(1 + text.length / 1000));
  return JSON.stringify([files, width, height, cfg === 1, doublings(prompt), doublings(negative)]);
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
