// From a job to a picture: txt2img and img2img, with a mask or a second model where the job has one.
import type { JobSpec } from '../../../preload/contract/job';
import { AppError } from '../errors';
import { lincomb, mul } from '../sampling/arithmetic';
import { sigmaToT } from '../sampling/model-sampling';
import { latentNoise } from '../sampling/noise/latent-noise';
import { planSampling, type SamplingPlan } from '../sampling/plan';
import { samplers } from '../sampling/samplers';
import type { AbortLike, Denoiser, StepInfo } from '../sampling/types';
import type { Vocabulary } from '../text/chunks';
import type { EmbeddingLibrary } from '../text/embeddings';
import type { Tensor } from '../tensor';
import type { Autoencoder } from './autoencoder';
import { conditionOn, type WordsReport } from './conditioning';
import { evaluationsOf, guidedDenoiser, keepOutside, mix } from './denoiser';
import { extraChannels, latentMask, type Pictures } from './extra-channels';
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
  /** Trained words that prompts may use. */
  readonly embeddings?: EmbeddingLibrary | undefined;
  /** Seconds on any steady clock. */
  readonly now: () => number;
  readonly signal: AbortLike;
  readonly onPhase: (phase: 'loading' | 'running' | 'decoding') => void;
  readonly onStep: (report: StepReport) => void;
  /** Shows each step better than the model's own means do (TAESD). */
  readonly previewDecoder?: Autoencoder | undefined;
  /** Evaluates the two halves of guidance one after the other. */
  readonly sparing?: boolean;
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

/** Throws weights.notFinite when the network's answers are no numbers, job.invalid when the model needs a picture that is not there, and what `signal` throws. */
export async function generate(job: JobSpec, model: Model, inputs: Inputs, host: Host): Promise<Generated> {
  const { now, signal } = host;
  const began = now();
  host.onPhase('loading');
  const { table, lineage } = model.traits;
  const plan = planSampling({ ...job, strength: job.kind === 'txt2img' ? undefined : job.strength }, table, lineage);
  const original = inputs.init && await model.autoencoder.encode(inputs.init);
  let evaluation = -1;                                       // of the sampler's, counted from 0
  const first = await openStage(model, job, plan, inputs, original, () => evaluation, host);
  // What the job says of its model does not hold for the other.
  const second = inputs.refiner && await openStage(inputs.refiner, { ...job, prediction: undefined }, plan, inputs, original, () => evaluation, host);

  const [height, width] = [job.height / model.autoencoder.factor, job.width / model.autoencoder.factor];
  const noise = latentNoise(job.noise, job.seed, [1, model.autoencoder.latentChannels, height, width], { variation: job.variation, stepSeedDelta: job.ensd, tree: plan.tree });
  const start = lincomb([plan.startNoise, noise.initial], ...(original ? [[plan.startPicture, original] as const] : []));
  await model.prepare({ batch: first.batch, height, width, tokens: first.tokens });
  signal.throwIfAborted();

  host.onPhase('running');
  const firstStep = now();
  const steps = reportSteps(model, plan.sigmas.length - 1, host);
  const both = plan.around(second ? handOver(first, second, job.refiner?.switchAt ?? 1) : first.denoise);
  const denoise = original && inputs.mask ? keepOutside(both, original, latentMask(inputs.mask, model.autoencoder.factor)) : both;
  const watched = async (x: Tensor, sigma: number): Promise<Tensor> => {
    await steps.flush();
    signal.throwIfAborted();
    evaluation++;
    return denoise(x, sigma);
  };
  const ended = await samplers[job.sampler].run(watched, start, plan.sigmas, { noise: noise.next, signal, onStep: steps.onStep }, plan.options);
  await steps.flush();
  await inputs.refiner?.releaseUnet();
  signal.throwIfAborted();
  const latents = mul(ended, plan.endScale);
  assertFinite(latents);

  host.onPhase('decoding');
  const decodeStart = now();
  const decoded = await model.autoencoder.decode(latents);
  assertFinite(decoded);
  // The autoencoder changes every pixel a little; what was not to be repainted is the picture's own.
  const image = inputs.init && inputs.mask ? mix(inputs.init, decoded, inputs.mask) : decoded;
  return { ...wordsOf(second ? [first, second] : [first]), image, openSeconds: firstStep - began, stepSeconds: steps.mean(), decodeSeconds: now() - decodeStart };
}

/** A model with the job's prompts and pictures in its own terms. */
interface Stage {
  readonly model: Model;
  /** Evaluations in one call, and the length of their contexts. */
  readonly batch: number;
  readonly tokens: number;
  readonly denoise: Denoiser;
  readonly words: WordsReport;
}

async function openStage(model: Model, job: JobSpec, plan: SamplingPlan, inputs: Inputs, original: Tensor | undefined, evaluation: () => number, { vocabulary, embeddings, sparing, signal }: Host): Promise<Stage> {
  const cfg = model.readsGuidance() ? 1 : job.cfg;
  const imageCfg = inputs.init && model.editsPictures() ? job.imageCfg ?? 1.5 : 1;
  const sampler = samplers[job.sampler];
  const words = await conditionOn({
    encode: (rows, skip, inserts) => model.encodeText(rows, skip, inserts), widths: model.textWidths,
    vector: (pooled, negative) => model.vectorCondition(pooled, job, negative),
  }, vocabulary, { ...job, evaluations: job.steps * sampler.promptStepsPerStep, guided: cfg !== 1 || imageCfg !== 1 || sampler.readsUncond }, embeddings);
  const extra = await extraChannels(model, inputs, original, job);
  signal.throwIfAborted();
  const { prediction, table } = model.traits;
  const denoise = guidedDenoiser((x, t, condition) => model.predict(x, t, condition, job.cfg), {
    prediction: job.prediction ?? prediction, table, timestepOf: plan.timestepOf, cfg, rescale: job.cfgRescale, imageCfg, extra, sequential: sparing,
    conditioning: () => words.at(evaluation()),
  });
  const atStart = words.at(0);
  return { model, batch: sparing ? 1 : evaluationsOf(atStart, imageCfg), tokens: atStart.conds[0]!.condition.context.dims[1]!, denoise, words };
}

/** Two models read the same prompts, and say the same of them unless an embedding fits only one. */
function wordsOf(stages: readonly Stage[]): WordsReport {
  const once = <T>(items: readonly T[], key: (item: T) => string): T[] => [...new Map(items.map((item) => [key(item), item])).values()];
  return {
    embeddings: once(stages.flatMap(({ words }) => words.embeddings), ({ hash }) => hash),
    notices: once(stages.flatMap(({ words }) => words.notices), ({ message }) => message),
  };
}

/** The second model takes over for good at the noise level that it was trained to begin at; only one of the two is held open. */
function handOver(first: Stage, second: Stage, switchAt: number): Denoiser {
  const { table } = first.model.traits;
  let current = first;
  return async (x, sigma) => {
    const done = (table.sigmas.length - 1 - sigmaToT(table, sigma)) / table.sigmas.length;
    if (current === first && done >= switchAt) {
      await first.model.releaseUnet();
      current = second;
    }
    return current.denoise(x, sigma);
  };
}

/**
 * A sampler tells of a step when its first answer is there, and cannot wait for a preview. So the report goes out before the next
 * evaluation, which is the same moment for samplers that evaluate once a step.
 */
function reportSteps(model: Model, steps: number, { now, onStep, previewDecoder }: Host) {
  const preview = previewer(model, previewDecoder, now);
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
      onStep({ step, steps, seconds: took, ...(step < steps && { preview: await preview(denoised, took) }) });
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
