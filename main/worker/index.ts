// The worker process: owns the onnxruntime sessions, runs one job at a time, holds no truth and may die at any moment.
// Under the server host it is a child process, in the desktop app the same entry runs as Electron's utility process.
import { toAppError } from '../engine/errors';
import { ModelCache } from './model-cache';
import { ortRuntime } from './ort-runtime';
import type { FromWorker, RunMessage, ToWorker } from './protocol';
import { clipTokenizer, runJob } from './run-job';

/** How often an idle worker looks whether memory has become scarce. */
const WATCH_MS = 5_000;

const models = new ModelCache(ortRuntime());
let running: { id: string; abort: AbortController } | undefined;
/** Messages are handled one after the other, except a cancel, which must reach a job that runs. */
let queue: Promise<void> = Promise.resolve();

const send = (message: FromWorker): void => { process.send?.(message); };

process.on('message', (message: ToWorker) => {
  if (message.type === 'cancel') {
    if (running?.id === message.id) running.abort.abort();
    return;
  }
  queue = queue.then(() => handle(message));
});
// Without a studio there is nobody to work for.
process.on('disconnect', () => process.exit(0));
// A terminal's Ctrl-C, its closing and the system's end reach the whole group; the studio hears them too, and decides. A worker that went
// first would look as if it had died over its job.
for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(signal, () => {});
setInterval(() => { if (!running) queue = queue.then(() => models.releaseIfScarce()); }, WATCH_MS).unref();
void clipTokenizer();       // the first prompt should not wait for the vocabulary
send({ type: 'ready', pid: process.pid });

async function handle(message: Exclude<ToWorker, { type: 'cancel' }>): Promise<void> {
  if (message.type === 'run') await run(message);
  else if (message.type === 'release') await models.releaseAll();
  else await models.limit(message.cacheBytes);
  if (message.type !== 'settings') send({ type: 'memory', rssBytes: process.memoryUsage.rss(), models: models.list() });
}

async function run(message: RunMessage): Promise<void> {
  const { id } = message;
  const abort = new AbortController();
  running = { id, abort };
  try {
    send({ type: 'done', id, ...await runJob(message, models, abort.signal, send) });
  } catch (error) {
    send(abort.signal.aborted ? { type: 'cancelled', id } : { type: 'failed', id, error: toAppError(error).toInfo() });
  } finally {
    running = undefined;
  }
}
