// From a request to its jobs: one a picture, each complete and able to run again by itself.
import { randomInt, randomUUID } from 'node:crypto';
import { mapSlots } from '../../../preload/contract/file-slots';
import { JobSpec, USUAL_SWITCH, type JobRequest, type JobView } from '../../../preload/contract/job';
import { jobVersion } from '../../../preload/contract/job-versions';
import { AppError } from '../../engine/errors';
import type { RunnableModel } from '../models/runnable';
import type { JobModels } from './job-files';

/** Throws job.invalid naming the field. */
export function makeJobs(request: JobRequest, { model, refiner, files }: JobModels): JobView[] {
  if (refiner) checkSharedLatents(model, refiner);
  const { count, seed, variation, files: _ids, styles: _styles, refiner: handOver, init, strength, ...rest } = request;
  const common = {
    ...rest, prediction: rest.prediction ?? model.prediction, version: jobVersion, files: mapSlots(files, ({ name, hash }) => ({ name, hash })),
    ...(init ? { kind: 'img2img', init, strength } : { kind: 'txt2img' }), ...(refiner && { refiner: handOver ?? { switchAt: USUAL_SWITCH } }),
  };
  const seedsOf = countSeeds(seed, variation);
  const batchId = randomUUID();
  return Array.from({ length: count }, (_, index) => {
    const parsed = JobSpec.safeParse({ ...common, ...seedsOf(index) });
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw new AppError('job.invalid', { message: `${issue?.path.join('.')}: ${issue?.message}`, hint: 'Change this setting and try again.', cause: parsed.error });
    }
    return {
      id: randomUUID(), spec: parsed.data, batch: { id: batchId, index, size: count }, state: 'queued', ...fresh(parsed.data.steps), pictureId: null,
      error: null, attempt: 0, notice: null, remarks: [], createdAt: Date.now(), startedAt: null, endedAt: null,
    };
  });
}

/** What a job shows of a try that has not begun. */
export const fresh = (steps: number) => ({ step: 0, steps, secondsPerStep: null, secondsLeft: null, preview: null });

/** 32 bits, as other tools have them. */
const newSeed = (): number => randomInt(2 ** 32);

/** Picture i has seed + i. Variations are of one picture: their own seed counts up, as in A1111. */
function countSeeds(seed: JobRequest['seed'], variation: JobRequest['variation']): (index: number) => Pick<JobSpec, 'seed' | 'variation'> {
  const first = seed ?? newSeed();
  if (!variation || variation.strength === 0) return (index) => ({ seed: first + index });
  const firstVariation = variation.seed ?? newSeed();
  return (index) => ({ seed: first, variation: { seed: firstVariation + index, strength: variation.strength } });
}

/** A model can only go on with what another has begun where both read the same latents: SD 1 and 2 on one side, SDXL on the other. */
function checkSharedLatents(model: RunnableModel, refiner: RunnableModel): void {
  const isXl = ({ family }: RunnableModel): boolean => family.startsWith('sdxl');
  if (isXl(model) === isXl(refiner)) return;
  throw new AppError('job.invalid', {
    message: `refiner: ${refiner.name} cannot go on with what ${model.name} has begun: only ${(isXl(model) ? model : refiner).name} is an SDXL model`,
    hint: 'Choose a refiner of the same family, or none.',
  });
}
