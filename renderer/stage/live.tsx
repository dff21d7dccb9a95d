// A picture in the making: it grows in its frame, a thin line follows the steps, one caption says the rest.
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { JobView } from '../../preload/contract/job';
import { pictureUrl } from '../api';
import { duration } from '../format';
import { cancel } from '../queue/cancel';
import { useJobs, useStopping, useWaitingCount } from '../queue/jobs';
import { Button } from '../ui/button';
import { fitStyle, Frame } from './frame';

export function LiveView({ job }: { job: JobView }) {
  const { t } = useTranslation();
  const lastDone = useJobs((state) => state.lastDone);
  const waiting = useWaitingCount();
  const { title, settings: { width, height } } = job;
  const progress = job.state === 'decoding' || job.state === 'saving' ? 1 : job.steps > 0 ? Math.min(1, job.step / job.steps) : 0;
  // Between two reports the line goes on towards the next step, as fast as steps come.
  const stepSeconds = job.state === 'running' ? job.secondsPerStep ?? 0 : 0;
  const ahead = stepSeconds > 0 ? Math.min(1, (job.step + 0.9) / job.steps) : progress;
  // Within a batch, the picture before stays until this one begins to show.
  const before = lastDone && lastDone.batchId === job.batch.id ? pictureUrl(lastDone.pictureId) : null;
  const caption = useCaption(job);
  return (
    <div className="flex h-full flex-col items-center justify-center">
      <Frame src={job.preview ?? before} width={width} height={height} alt={t('stage.growing', { prompt: title })} raw={job.preview ? 1 - progress : 0}>
        <div role="progressbar" aria-label={t('stage.progress')} aria-valuemin={0} aria-valuemax={job.steps} aria-valuenow={job.step} aria-valuetext={caption}
          className="absolute inset-x-0 bottom-0 h-[3px] bg-shade">
          <div className="h-full origin-left bg-accent transition-transform ease-linear" style={{ transform: `scaleX(${ahead})`, transitionDuration: `${Math.max(0.2, stepSeconds)}s` }} />
        </div>
      </Frame>
      <div className="mt-3 stage-caption flex h-8 items-center justify-between gap-3 tabular-nums" style={fitStyle(job.settings)}>
        <p className="min-w-0 truncate text-dim">{caption}</p>
        {waiting > 0 && <Button onClick={() => void cancel(job.id)}>{t('stage.skip')}</Button>}
      </div>
      <Announcement job={job} />
    </div>
  );
}

/** "Step 13 of 24 · 15 s left · 2nd of 4", the step being the one that is worked on. */
function useCaption(job: JobView): string {
  const { t } = useTranslation();
  const { index, size } = job.batch;
  const left = useCountdown(job.state === 'running' ? job.secondsLeft : null);
  if (useStopping(job.id)) return t('stage.stopping');
  const parts = [
    job.state === 'running' ? t(job.settings.kind === 'upscale' ? 'upscale.tile' : 'stage.step', { step: Math.min(job.step + 1, job.steps), steps: job.steps }) : t(`stage.phase.${phaseOf(job)}`),
    left !== null && t('stage.left', { time: duration(left) }),
    size > 1 && t('stage.nth', { count: index + 1, size, ordinal: true }),
    job.attempt > 1 && t('stage.attempt', { count: job.attempt, ordinal: true }),
  ];
  return parts.filter(Boolean).join(' · ');
}

/** Seconds left as they pass between two reports; a step of a large picture takes many. */
function useCountdown(seconds: number | null): number | null {
  const [passed, setPassed] = useState({ of: seconds, seconds: 0 });
  useEffect(() => {
    const began = performance.now();
    const timer = setInterval(() => setPassed({ of: seconds, seconds: (performance.now() - began) / 1000 }), 1000);
    return () => clearInterval(timer);
  }, [seconds]);
  return seconds === null ? null : Math.max(1, seconds - (passed.of === seconds ? passed.seconds : 0));
}

const phaseOf = (job: JobView) => (job.state === 'loading' || job.state === 'decoding' || job.state === 'saving' ? job.state : 'waiting');

/** For screen readers: the start, each quarter and the phases, not each step. */
function Announcement({ job }: { job: JobView }) {
  const { t } = useTranslation();
  const quarter = job.steps > 0 ? Math.floor((4 * job.step) / job.steps) * 25 : 0;
  const text = job.state !== 'running' ? t(`stage.phase.${phaseOf(job)}`)
    : t('stage.spoken', { picture: t('stage.nth', { count: job.batch.index + 1, size: job.batch.size, ordinal: true }), percent: quarter });
  return <p role="status" className="sr-only">{text}</p>;
}
