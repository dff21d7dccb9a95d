// txt2img and img2img: from a job to a picture.
import type { JobSpec } from '../../../preload/contract/job';
import { AppError } from '../errors';
import { lincomb } from '../sampling/arithmetic';
import { stableDiffusionTable } from '../sampling/model-sampling';
import { latentNoise } from '../sampling/noise/latent-noise';
import { samplers } from '../sampling/samplers';
import { sigmas as scheduleSigmas } from '../sampling/schedules';
import type { AbortLike, StepInfo } from '../sampling/types';
import type { Vocabulary } from '../text/chunks';
import type { Tensor } from '../tensor';
import { conditionOn } from './conditioning';
import { guidedDenoiser } from './denoiser';
import type { Model } from './model';
import { previewer } from './preview';

export interface StepReport {
  /** Steps done, from 1 to `steps`. */
  readonly step: number;
  readonly steps: number;
  /** This step's own time. */
  readonly seconds: number;
  /** [1, 3, h, w] in −1…1, of any size in the picture's shape. */
  readonly preview?: Tensor;
}

/** What a run needs from its host. */
export interface Host {
  readonly vocabulary: Vocabulary;
  /** Seconds on any steady clock. */
  readonly now: () => number;
  readonly signal: AbortLike;
  readonly onPhase: (phase: 'loading' | 'running' | 'decoding') => void;
  readonly onStep: (report: StepReport) => void;
  /** Evaluates the two halves of guidance one after the other. */
  readonly sparing?: boolean;
}

export interface Generated {
  /** [1, 3, H, W], about −1…1. */
  readonly image: Tensor;
  /** To the start of the first step. */
  readonly openSeconds: number;
  readonly stepSeconds: number;
  readonly decodeSeconds: number;
}

/** `init` [1, 3, H, W] in −1…1 for img2img. Throws weights.notFinite when the network's answers are no numbers, and what `signal` throws. */
export async function generate(job: JobSpec, model: Model, init: Tensor | undefined, host: Host): Promise<Generated> {
  const { now, signal } = host;
  const began = now();
  host.onPhase('loading');
  const guided = job.cfg !== 1;
  const conditioning = await conditionOn((rows, skip) => model.encodeText(rows, skip), host.vocabulary, { ...job, guided });
  signal.throwIfAborted();

  const sigmas = sigmasFor(job);
  const [height, width] = [job.height / model.vae.factor, job.width / model.vae.factor];
  const noise = latentNoise(job.noise, job.seed, [1, model.vae.latentChannels, height, width]);
  const start = lincomb([sigmas[0]!, noise.initial], ...(init ? [[1, await model.encode(init)] as const] : []));
  const contexts = conditioning(0);
  const batch = host.sparing ? 1 : contexts.conds.length + (contexts.uncond ? 1 : 0);
  await model.prepare({ batch, height, width, tokens: contexts.conds[0]!.context.dims[1]! });
  signal.throwIfAborted();

  host.onPhase('running');
  const firstStep = now();
  const steps = reportSteps(model, sigmas.length - 1, host);
  const denoise = guidedDenoiser((x, t, context) => model.predict(x, t, context), {
    prediction: 'eps', table: stableDiffusionTable, cfg: job.cfg, sequential: host.sparing,
    conditioning: (sigma) => conditioning(stepAt(sigmas, sigma)),
  });
  const watched = async (x: Tensor, sigma: number): Promise<Tensor> => {
    await steps.flush();
    signal.throwIfAborted();
    return denoise(x, sigma);
  };
  const latents = await samplers[job.sampler].run(watched, start, sigmas, { noise: noise.next, signal, onStep: steps.onStep });
  await steps.flush();
  signal.throwIfAborted();
  assertFinite(latents);

  host.onPhase('decoding');
  const decodeStart = now();
  const image = await model.decode(latents);
  assertFinite(image);
  return { image, openSeconds: firstStep - began, stepSeconds: steps.mean(), decodeSeconds: now() - decodeStart };
}

/** The whole schedule, or for img2img its end: as AUTOMATIC1111, int(strength·steps) of the steps and one more. */
export function sigmasFor({ schedule, steps, strength, kind }: Pick<JobSpec, 'schedule' | 'steps' | 'strength' | 'kind'>): number[] {
  const all = scheduleSigmas(schedule, steps, stableDiffusionTable);
  if (kind === 'txt2img' || strength === undefined) return all;
  const kept = Math.min(Math.floor(strength * steps), steps - 1) + 1;
  return all.slice(Math.max(0, all.length - 1 - kept));
}

/** The step that a noise level belongs to: the last one that begins at it or above. */
function stepAt(sigmas: readonly number[], sigma: number): number {
  const after = sigmas.findIndex((level) => level < sigma * 0.9999);
  return Math.max(0, (after < 0 ? sigmas.length : after) - 1);
}

/**
 * A sampler tells of a step when its first answer is there, and cannot wait for a preview. So the report goes out before the next
 * evaluation, which is the same moment for samplers that evaluate once a step.
 */
function reportSteps(model: Model, steps: number, { now, onStep }: Host) {
  const preview = previewer(model, now);
  const seconds: number[] = [];
  let pending: StepInfo | undefined;
  let last = now();
  return {
    onStep(info: StepInfo): void { pending = info; },
    async flush(): Promise<void> {
      if (!pending) return;
      const { i, denoised } = pending;
      pending = undefined;
      const step = Math.min(i + 1, steps);
      const took = now() - last;
      seconds.push(took);
      onStep({ step, steps, seconds: took, ...(step < steps && { preview: await preview(denoised) }) });
      last = now();
    },
    /** Without the first step, which also reads the weights from the disk. */
    mean(): number {
      const steady = seconds.length > 1 ? seconds.slice(1) : seconds;
      return steady.reduce((sum, s) => sum + s, 0) / Math.max(1, steady.length);
    },
  };
}

function assertFinite({ data }: Tensor): void {
  if (data.every(Number.isFinite)) return;
  throw new AppError('weights.notFinite', {
    message: 'The model answered with values that are not numbers',
    hint: 'The file holds broken weights (NaN). Get it again from its source, or choose another model.',
  });
}
