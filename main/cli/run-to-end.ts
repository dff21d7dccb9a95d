// Jobs from the command line, followed until they have ended.
import type { ErrorInfo } from '../../preload/contract/errors';
import type { JobView } from '../../preload/contract/job';
import type { LocalStudio } from '../services/studio';
import { reportProgress } from './progress';

/**
 * Follows jobs that have been asked for until each has ended. The first Ctrl-C cancels; a second one ends the process. A fault that holds up the queue
 * ends them too: whoever asked from a terminal would rather hear of it than wait.
 */
export async function runToEnd(studio: LocalStudio, asked: readonly JobView[]): Promise<{ jobs: JobView[]; fault: ErrorInfo | null }> {
  let fault: ErrorInfo | null = null;
  const jobs = new Map(asked.map((job) => [job.id, job]));
  const progress = reportProgress(process.stderr);
  const listening = new AbortController();
  const cancel = (): void => {
    progress.end();
    process.stderr.write('Cancelling …\n');
    void studio.queue.cancel([...jobs.keys()]);
  };
  process.once('SIGINT', cancel).once('SIGTERM', cancel);
  try {
    for await (const event of studio.queue.events(listening.signal)) {
      if (event.type === 'paused' && event.why && !fault) {
        fault = event.why;
        void studio.queue.cancel([...jobs.keys()]);
      }
      const news = event.type === 'snapshot' ? event.jobs : event.type === 'job' ? [event.job] : [];
      for (const job of news.filter(({ id }) => jobs.has(id))) {
        jobs.set(job.id, job);
        progress.show(job);
      }
      if ([...jobs.values()].every(({ state }) => state === 'done' || state === 'failed' || state === 'cancelled')) break;
    }
  } finally {
    listening.abort();
    progress.end();
    process.off('SIGINT', cancel).off('SIGTERM', cancel);
  }
  return { jobs: [...jobs.values()], fault };
}
