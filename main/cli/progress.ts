// What a job is doing, on stderr: one line that is rewritten on a terminal, plain lines where it goes to a file.
import type { JobView } from '../../preload/contract/job';
import { noticeText } from '../words';

export interface Progress {
  show(job: JobView): void;
  /** Ends the rewritten line, so that what follows starts on its own. */
  end(): void;
}

export function reportProgress(stream: { write(text: string): unknown; isTTY?: boolean }): Progress {
  let last = '';
  let isOpen = false;
  const end = (): void => {
    if (isOpen) stream.write('\n');
    isOpen = false;
  };
  const show = (job: JobView): void => {
    const line = describe(job);
    if (line === last) return;
    last = line;
    if (!stream.isTTY) return void stream.write(`${line}\n`);
    stream.write(`\r${line}\x1b[K`);
    isOpen = true;
  };
  return { show, end };
}

/** e.g. 'picture 2 of 4: step 7 of 20, 0.31 s a step, 4 s left'. */
function describe(job: JobView): string {
  const which = job.batch.size > 1 ? `picture ${job.batch.index + 1} of ${job.batch.size}: ` : '';
  const again = job.notice === 'worker.restarted' ? ' (the worker died and was started again)' : '';
  return `${which}${phase(job)}${again}`;
}

function phase(job: JobView): string {
  switch (job.state) {
    case 'queued': return 'waiting';
    case 'loading': return `loading ${job.settings.kind === 'upscale' ? job.settings.files.upscaler.name : job.settings.files.model.name}`;
    case 'running': return [`${job.settings.kind === 'upscale' ? 'tile' : 'step'} ${job.step} of ${job.steps}`, job.secondsPerStep !== null && `${seconds(job.secondsPerStep)} a ${job.settings.kind === 'upscale' ? 'tile' : 'step'}`,
      job.secondsLeft !== null && `${seconds(job.secondsLeft)} left`].filter(Boolean).join(', ');
    case 'decoding': return 'decoding';
    case 'saving': return 'saving';
    case 'done': return [job.settings.kind === 'upscale' ? 'done' : `done, seed ${job.settings.seed}`, ...job.remarks.map(noticeText)].join('\n');
    case 'failed': return 'failed';
    case 'cancelled': return 'cancelled';
  }
}

const seconds = (value: number): string => (value < 10 ? `${value.toFixed(2)} s` : value < 120 ? `${Math.round(value)} s` : `${Math.round(value / 60)} min`);
