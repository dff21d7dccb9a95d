// From a request to its jobs: one a picture, each complete and able to run again by itself.
import { randomInt, randomUUID } from 'node:crypto';
import { JobSpec, type JobRequest, type JobView } from '../../../preload/contract/job';
import { AppError } from '../../engine/errors';

/** Picture i has seed + i. Throws job.invalid naming the field. */
export function makeJobs(request: JobRequest, model: JobSpec['model']): JobView[] {
  const { count, seed, model: _id, init, strength, ...rest } = request;
  const firstSeed = seed ?? randomInt(2 ** 32);            // 32 bits, as other tools have them
  const batchId = randomUUID();
  return Array.from({ length: count }, (_, index) => {
    const parsed = JobSpec.safeParse({ ...rest, model, seed: firstSeed + index, ...(init ? { kind: 'img2img', init, strength } : { kind: 'txt2img' }) });
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw new AppError('job.invalid', { message: `${issue?.path.join('.')}: ${issue?.message}`, hint: 'Change this setting and try again.', cause: parsed.error });
    }
    return {
      id: randomUUID(), spec: parsed.data, batch: { id: batchId, index, size: count }, state: 'queued', ...fresh(parsed.data.steps), pictureId: null,
      error: null, attempt: 0, notice: null, createdAt: Date.now(), startedAt: null, endedAt: null,
    };
  });
}

/** What a job shows of a try that has not begun. */
export const fresh = (steps: number) => ({ step: 0, steps, secondsPerStep: null, secondsLeft: null, preview: null });
