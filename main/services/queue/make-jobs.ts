// From a request to its jobs: one a picture, each complete and able to run again by itself.
import { randomInt, randomUUID } from 'node:crypto';
import { mapSlots } from '../../../preload/contract/file-slots';
import { JobSpec, MOST_UPSCALED, UpscaleFields, USUAL_SWITCH, type AnyJob, type JobRequest, type JobSettings, type JobView, type UpscaleJob, type UpscaleRequest } from '../../../preload/contract/job';
import { jobVersion } from '../../../preload/contract/job-versions';
import { invalidRequest } from '../../../preload/contract/invalid';
import type { Notice } from '../../../preload/contract/notice';
import { AppError } from '../../engine/errors';
import { seedPlus } from '../../../preload/contract/seed';
import type { KnownBeside, RunnableModel } from '../models/runnable';
import { briefOf, briefRemarks } from './brief';
import type { FileIds, JobModels } from './job-files';
import { familyLabel } from './prompt-loras';

/** A job to be stored, and what is shown of it. */
export interface NewJob { readonly view: JobView; readonly spec: AnyJob; readonly fileIds: FileIds }

/** Throws request.invalid naming the field. */
export function makeJobs(request: JobRequest, { model, refiner, loras, files }: JobModels): { spec: JobSpec; batch: JobView['batch'] }[] {
  if (refiner) checkSharedLatents(model, refiner);
  for (const { name, made } of loras) if (made !== null && made !== model.family) throw new AppError('lora.otherBase', { lora: name, made: familyLabel(made), model: model.name, family: familyLabel(model.family) });
  const { count, seed, variation, files: _ids, styles: _styles, refiner: handOver, init, strength, ...rest } = request;
  const common = {
    ...rest, prediction: rest.prediction ?? model.prediction, version: jobVersion, files: mapSlots(files, ({ name, hash }) => ({ name, hash })),
    ...(init ? { kind: 'img2img', init, strength } : { kind: 'txt2img' }), ...(refiner && { refiner: handOver ?? { switchAt: USUAL_SWITCH } }),
    ...(loras.length > 0 && { loras: rest.loras ?? loras.map(() => ({ unet: 1, text: 1 })) }),
  };
  const seedsOf = countSeeds(seed, variation);
  const batchId = randomUUID();
  return Array.from({ length: count }, (_, index) => {
    const parsed = JobSpec.safeParse({ ...common, ...seedsOf(index) });
    if (!parsed.success) throw AppError.fromInfo(invalidRequest(parsed.error));
    return { spec: parsed.data, batch: { id: batchId, index, size: count } };
  });
}

/** `size`: of the picture; the upscaler's own `scale` is null where its file does not tell. Throws request.invalid, upscale.tooLarge. */
export function upscaleJob({ init, scale: asked, tile }: UpscaleRequest, { name, hash, scale: own }: Pick<KnownBeside, 'name' | 'hash' | 'scale'>, size: { width: number; height: number }): UpscaleJob {
  const scale = asked ?? own ?? 1, width = Math.max(1, Math.round(size.width * scale)), height = Math.max(1, Math.round(size.height * scale));
  if (Math.max(width, height) > MOST_UPSCALED.side || width * height > MOST_UPSCALED.pixels) throw new AppError('upscale.tooLarge', { width, height, most: Math.floor(MOST_UPSCALED.pixels / 1e6) });
  const parsed = UpscaleFields.safeParse({ version: jobVersion, kind: 'upscale', files: { upscaler: { name, hash } }, init, scale, width, height, tile });
  if (!parsed.success) throw AppError.fromInfo(invalidRequest(parsed.error));
  return parsed.data;
}

export const newJob = (spec: AnyJob, fileIds: FileIds, batch: JobView['batch'], remarks: readonly Notice[]): NewJob => ({
  spec, fileIds,
  view: {
    id: randomUUID(), batch, ...briefOf(spec), state: 'queued', ...fresh(stepsOf(spec)), pictureId: null,
    error: null, attempt: 0, notice: null, remarks: briefRemarks(remarks), createdAt: Date.now(), startedAt: null, endedAt: null,
  },
});

/** As far as they are known before it begins: how many tiles a picture has, its worker tells. */
export const stepsOf = (job: AnyJob | JobSettings): number => (job.kind === 'upscale' ? 0 : job.steps);

/** What a job shows of a try that has not begun. */
export const fresh = (steps: number) => ({ step: 0, steps, secondsPerStep: null, secondsLeft: null, preview: null });

/** 32 bits, as other tools have them. */
const newSeed = (): number => randomInt(2 ** 32);

/** Picture i has seed + i, and 0 comes behind the last. Variations are of one picture: their own seed counts up, as in A1111. */
function countSeeds(seed: JobRequest['seed'], variation: JobRequest['variation']): (index: number) => Pick<JobSpec, 'seed' | 'variation'> {
  const first = seed ?? newSeed();
  if (!variation || variation.strength === 0) return (index) => ({ seed: seedPlus(first, index) });
  const firstVariation = variation.seed ?? newSeed();
  return (index) => ({ seed: first, variation: { seed: seedPlus(firstVariation, index), strength: variation.strength } });
}

/** A model can only go on with what another has begun where both read the same latents: SD 1 and 2 on one side, SDXL on the other. */
function checkSharedLatents(model: RunnableModel, refiner: RunnableModel): void {
  const isXl = ({ family }: RunnableModel): boolean => family.startsWith('sdxl');
  if (isXl(model) === isXl(refiner)) return;
  throw new AppError('job.refiner', { refiner: refiner.name, model: model.name, xl: (isXl(model) ? model : refiner).name });
}
