// One try of one job on the worker: everything between `run` and the message, or the death, that ends it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { FromWorker, JobMessage } from '../../worker/protocol';
import type { Crash, WorkerHost } from '../workers/host';

export type Outcome =
  | { readonly type: 'done' } & Pick<Extract<FromWorker, { type: 'done' }>, 'pixels' | 'timings' | 'notices' | 'embeddings'>
  | { readonly type: 'failed' } & Pick<Extract<FromWorker, { type: 'failed' }>, 'error' | 'trace'>
  | { readonly type: 'cancelled' }
  /** `reached`: how far the worker got. One that had said nothing of the job was dead, or dying, before it heard of it; `step`: it had made one, or all were made. */
  | { readonly type: 'crashed'; readonly crash: Crash; readonly reached: 'nothing' | 'job' | 'step' }
  /** The studio closes. */
  | { readonly type: 'stopped' };

/** The rest of what a worker says of a job. */
export type JobProgress = Exclude<Extract<FromWorker, { id: string }>, { type: Outcome['type'] }>;

export function runOnWorker(host: WorkerHost, message: JobMessage, onProgress: (progress: JobProgress) => void): Promise<Outcome> {
  return new Promise((resolve) => {
    const end = (outcome: Outcome) => {
      host.off('message', take).off('crash', crashed).off('exit', stopped);
      resolve(outcome);
    };
    let reached: 'nothing' | 'job' | 'step' = 'nothing';
    const crashed = (crash: Crash) => end({ type: 'crashed', crash, reached });
    const stopped = () => end({ type: 'stopped' });
    const take = (said: FromWorker) => {
      if (!('id' in said) || said.id !== message.id) return;
      if (said.type === 'done' || said.type === 'failed' || said.type === 'cancelled') return end(said);
      if (said.type === 'step' || (said.type === 'phase' && said.phase === 'decoding')) reached = 'step';
      else if (reached === 'nothing') reached = 'job';
      onProgress(said);
    };
    host.on('message', take).on('crash', crashed).on('exit', stopped);
    host.run(message);
  });
}

/** Asks for the last step of the job that runs, and waits for it no longer than `ms`, nor than the job itself. */
export async function askForLastStep(host: WorkerHost, id: string, ms: number): Promise<void> {
  const waited = new AbortController();
  const heard = (said: FromWorker) => { if ('id' in said && said.id === id && said.type !== 'phase' && said.type !== 'step') waited.abort(); };
  const died = () => waited.abort();
  host.on('message', heard).once('crash', died);
  host.send({ type: 'keep', id });
  await sleep(ms, undefined, { signal: waited.signal }).catch(() => {});
  host.off('message', heard).off('crash', died);
}
