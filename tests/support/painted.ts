// A job of a picture that was painted, as most tests make them.
import type { AnyJob, JobSettings, JobSpec, PaintSettings } from '../../preload/contract/job';

export function painted(job: AnyJob): JobSpec;
export function painted(settings: JobSettings): PaintSettings;
export function painted(job: AnyJob | JobSettings): unknown {
  if (job.kind === 'upscale') throw new Error('this picture was made larger, not painted');
  return job;
}
