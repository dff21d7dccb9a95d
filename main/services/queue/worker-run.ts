// One try of one job on the worker: everything between `run` and the message, or the death, that ends it.
import type { ErrorInfo } from '../../../preload/contract/errors';
import type { FromWorker, RunMessage } from '../../worker/protocol';
import type { Crash, WorkerHost } from '../workers/host';

export type Outcome =
  | { readonly type: 'done' } & Pick<Extract<FromWorker, { type: 'done' }>, 'pixels' | 'timings' | 'notices' | 'embeddings'>
  | { readonly type: 'failed'; readonly error: ErrorInfo }
  | { readonly type: 'cancelled' }
  /** `began`: the worker had said something of the job. One that had not was dead, or dying, before it heard of it. */
  | { readonly type: 'crashed'; readonly crash: Crash; readonly began: boolean }
  /** The studio closes. */
  | { readonly type: 'stopped' };

export type JobProgress = Extract<FromWorker, { type: 'phase' | 'step' }>;

export function runOnWorker(host: WorkerHost, message: RunMessage, onProgress: (progress: JobProgress) => void): Promise<Outcome> {
  return new Promise((resolve) => {
    const end = (outcome: Outcome) => {
      host.off('message', take).off('crash', crashed).off('exit', stopped);
      resolve(outcome);
    };
    let began = false;
    const crashed = (crash: Crash) => end({ type: 'crashed', crash, began });
    const stopped = () => end({ type: 'stopped' });
    const take = (said: FromWorker) => {
      if (!('id' in said) || said.id !== message.id) return;
      began = true;
      if (said.type === 'phase' || said.type === 'step') onProgress(said);
      else end(said);
    };
    host.on('message', take).on('crash', crashed).on('exit', stopped);
    host.run(message);
  });
}
