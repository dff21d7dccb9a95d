// The worker's side of the conversation: one job at a time, and what is asked between jobs in the order in which it was asked.
import { toAppError } from '../engine/errors';
import { traceOf } from '../engine/traces';
import { HandOver } from './hand-over';
import type { ModelCache } from './model-cache';
import type { WorkerPort } from './port';
import type { FromWorker, JobMessage, RunMessage, ToWorker, UpscaleMessage } from './protocol';
import type { Made } from './run-job';

/** How often an idle worker looks whether memory has become scarce. */
const WATCH_MS = 5_000;

interface Work {
  readonly models: Pick<ModelCache, 'releaseIfScarce' | 'releaseAll' | 'limit' | 'list'>;
  upscale(message: UpscaleMessage, signal: AbortSignal, send: (message: FromWorker) => void): Promise<Made>;
  runJob(message: RunMessage, signal: AbortSignal, send: (message: FromWorker) => void, handOver: HandOver): Promise<Made>;
}

export function serveJobs(port: WorkerPort, { models, runJob, upscale }: Work): void {
  let running: { id: string; abort: AbortController; handOver?: HandOver } | undefined;
  /** Messages are handled one after the other, except those to a job that runs. */
  let queue: Promise<void> = Promise.resolve();
  const send = (message: FromWorker): void => port.post(message);

  port.onMessage((message) => {
    if (message.type !== 'cancel' && message.type !== 'keep') queue = queue.then(() => handle(message));
    else if (running?.id !== message.id) return;
    else if (message.type === 'cancel') running.abort.abort();
    else running.handOver?.now();
  });
  setInterval(() => { if (!running) queue = queue.then(() => models.releaseIfScarce()); }, WATCH_MS).unref();
  send({ type: 'ready', pid: process.pid });

  async function handle(message: Exclude<ToWorker, { type: 'cancel' | 'keep' }>): Promise<void> {
    if (message.type === 'run' || message.type === 'upscale') await run(message);
    else if (message.type === 'release') await models.releaseAll();
    else await models.limit(message.cacheBytes);
    if (message.type !== 'settings') send({ type: 'memory', rssBytes: process.memoryUsage.rss(), models: models.list() });
  }

  async function run(message: JobMessage): Promise<void> {
    const { id } = message;
    const abort = new AbortController();
    running = { id, abort };
    try {
      send({ type: 'done', id, ...await made(message, running) });
    } catch (error) {
      send(abort.signal.aborted ? { type: 'cancelled', id } : { type: 'failed', id, error: toAppError(error).info, trace: traceOf(error) });
    } finally {
      running = undefined;
    }
  }

  function made(message: JobMessage, now: NonNullable<typeof running>): Promise<Made> {
    if (message.type === 'upscale') return upscale(message, now.abort.signal, send);
    now.handOver = new HandOver(message, send);
    return runJob(message, now.abort.signal, send, now.handOver);
  }
}
