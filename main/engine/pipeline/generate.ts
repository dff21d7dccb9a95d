// From a job to a picture: its passes one after the other, then the autoencoder.
import type { JobSpec } from '../../../preload/contract/job';
import { AppError } from '../errors';
import { lincomb, mul } from '../sampling/arithmetic';
import { latentNoise, type LatentNoise } from '../sampling/noise/latent-noise';
import { sample, type Stage } from '../sampling/pass';
import { planSampling, type SamplingPlan } from '../sampling/plan';
import { samplers } from '../sampling/samplers';
import type { AbortLike, Denoised } from '../sampling/types';
import type { Dims, Tensor } from '../tensor';
import type { Autoencoder } from './autoencoder';
import type { WordsReport } from './conditioning';
import { mix } from './denoiser';
import { latentMask, type Pictures } from './extra-channels';
import type { Model } from './model';
import { assertSameJob, assertSamePass, type PassState } from './pass-state';
import { previewer } from './preview';
import { handOver, repaintWithin, tellModel, wrapStage, type Reading } from './stage';

export interface StepReport {
  /** Steps done, from 1 to `steps`. */
  readonly step: number;
  readonly steps: number;
  /** This step's own time. */
  readonly seconds: number;
  /** [1, 3, h, w] in −1…1, of any size in the picture's shape. */
  readonly preview?: Tensor;
  /** The job can go on from here, in another process too. */
  readonly state: PassState;
}

/** What a run needs from its host. */
export interface Host extends Reading {
  /** Seconds on any steady clock. */
  readonly now: () => number;
  readonly signal: AbortLike;
  readonly onPhase: (phase: 'loading' | 'running' | 'decoding') => void;
  /** Waited for, before the next step. */
  readonly onStep: (report: StepReport) => void | Promise<void>;
  /** Shows each step better than the model's own means do (TAESD). */
  readonly previewDecoder?: Autoencoder | undefined;
  /** What an earlier run of this job had reached: goes on from there. */
  readonly resume?: PassState | undefined;
}

export interface Generated extends WordsReport {
  /** [1, 3, H, W], about −1…1. */
  readonly image: Tensor;
  /** To the start of the first step. */
  readonly openSeconds: number;
  readonly stepSeconds: number;
  readonly decodeSeconds: number;
}

/** What a job names by its hash, opened: pictures, and the model that finishes what the first began. */
export interface Inputs extends Pictures { readonly refiner?: Model }

/**
 * Throws weights.notFinite when the network's answers are no numbers, job.invalid when the model needs a picture that is not there, pass.stale when `resume`
 * is of another job, and what `signal` throws.
 */
export async function generate(job: JobSpec, model: Model, inputs: Inputs, host: Host): Promise<Generated> {
  const { now, signal, resume } = host;
  const began = now();
  host.onPhase('loading');
  if (resume) assertSameJob(resume, job);
  const { passes, words } = await passesOf(job, model, inputs, host);
  signal.throwIfAborted();

  let firstStep = began;
  const steps = reportSteps(model, passes.reduce((sum, { plan }) => sum + plan.sigmas.length - 1, 0), host);
  let latents: Tensor | undefined, stepsBefore = 0;
  for (const [index, pass] of passes.entries()) {
    const { plan: { sigmas, options, endScale }, stage, dims } = pass;
    const offset = stepsBefore;
    stepsBefore += sigmas.length - 1;
    if (resume && index < resume.pass) continue;
    const from = resume?.pass === index ? resume : undefined;
    if (from) assertSamePass(from, { levels: sigmas, dims });
    const noise = pass.noise(from?.draws);
    const start = from?.sampler.x ?? await pass.start(noise.initial, latents);
    const end = await sample(stage, start, {
      sampler: samplers[pass.sampler].run, options, sigmas, noise: noise.next, signal, from,
      onReady: () => {
        if (firstStep !== began) return;
        host.onPhase('running');
        firstStep = now();
        steps.begin();
      },
      onStep: ({ i, denoised, progress }) => steps.report(offset + i + 1, denoised, { ...progress, job, pass: index, levels: sigmas }),
    });
    latents = mul(end, endScale);
    assertFinite(latents);
  }
  if (!latents) throw new RangeError('a job without passes');

  host.onPhase('decoding');
  const decodeStart = now();
  const decoded = await model.autoencoder.decode(latents);
  assertFinite(decoded);
  // The autoencoder changes every pixel a little; what was not to be repainted is the picture's own.
  const image = inputs.init && inputs.mask ? mix(inputs.init, decoded, inputs.mask) : decoded;
  return { ...words, image, openSeconds: firstStep - began, stepSeconds: steps.mean(), decodeSeconds: now() - decodeStart };
}

/** One of a job's passes, each from what the one before left. */
interface JobPass {
  readonly stage: Stage;
  readonly sampler: JobSpec['sampler'];
  readonly plan: SamplingPlan;
  /** Of its latents. */
  readonly dims: Dims;
  /** Its noise, that of the steps after so many draws. */
  readonly noise: (drawn?: number) => LatentNoise;
  /** Latents at its first noise level; `before`: what the pass before it left. */
  readonly start: (noise: Tensor, before: Tensor | undefined) => Tensor | Promise<Tensor>;
}

async function passesOf(job: JobSpec, model: Model, inputs: Inputs, host: Host): Promise<{ passes: readonly JobPass[]; words: WordsReport }> {
  const { traits: { table, latentSpace }, autoencoder } = model;
  const plan = planSampling({ ...job, strength: job.kind === 'txt2img' ? undefined : job.strength }, table, latentSpace);
  const original = inputs.init && await autoencoder.encode(inputs.init);
  const told = { ...job, pictures: inputs, original, timestepOf: plan.timestepOf };
  const first = await tellModel(model, told, host);
  host.signal.throwIfAborted();
  // What the job says of its model does not hold for the other.
  const second = inputs.refiner && await tellModel(inputs.refiner, { ...told, prediction: undefined }, host);

  const both = wrapStage(second ? handOver(first.stage, second.stage, job.refiner?.switchAt ?? 1, table) : first.stage, plan.wrapDenoiser);
  const stage = original && inputs.mask ? repaintWithin(both, original, latentMask(inputs.mask, autoencoder.factor)) : both;
  const dims = [1, autoencoder.latentChannels, job.height / autoencoder.factor, job.width / autoencoder.factor];
  const pass: JobPass = {
    stage, plan, dims, sampler: job.sampler,
    noise: (drawn) => latentNoise(job.noise, job.seed, dims, { variation: job.variation, stepSeedDelta: job.ensd, tree: plan.tree, drawn }),
    start: (noise) => lincomb([plan.startNoise, noise], ...(original ? [[plan.startPicture, original] as const] : [])),
  };
  return { passes: [pass], words: allWords(second ? [first.words, second.words] : [first.words]) };
}

/** Two models read the same prompts, and say the same of them unless an embedding fits only one. */
function allWords(reports: readonly WordsReport[]): WordsReport {
  const once = <T>(items: readonly T[], key: (item: T) => string): T[] => [...new Map(items.map((item) => [key(item), item])).values()];
  return {
    embeddings: once(reports.flatMap(({ embeddings }) => embeddings), ({ hash }) => hash),
    notices: once(reports.flatMap(({ notices }) => notices), ({ message }) => message),
  };
}

/** Tells the host of each step, with a preview, and how long it took. */
function reportSteps(model: Model, steps: number, { now, onStep, previewDecoder }: Host) {
  const preview = previewer(model, previewDecoder, now);
  const seconds: number[] = [];
  let last = now();
  return {
    begin(): void { last = now(); },
    async report(done: number, denoised: Denoised, state: PassState): Promise<void> {
      const step = Math.min(done, steps);
      const took = now() - last;
      seconds.push(took);
      await onStep({ step, steps, seconds: took, state, ...(step < steps && { preview: await preview(denoised, took) }) });
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
