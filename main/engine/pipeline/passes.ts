// The passes that a job is: stages over models, the plan of their levels, and where each begins.
import type { JobSpec } from '../../../preload/contract/job';
import { lincomb } from '../sampling/arithmetic';
import { latentNoise, type LatentNoise } from '../sampling/noise/latent-noise';
import type { Stage } from '../sampling/pass';
import { planSampling, type SamplingPlan } from '../sampling/plan';
import type { AbortLike } from '../sampling/types';
import type { Dims, Tensor } from '../tensor';
import type { WordsReport } from './conditioning';
import { latentMask, type Pictures } from './extra-channels';
import type { Model } from './model';
import { handOver, repaintWithin, tellModel, wrapStage, type Reading } from './stage';

/** What a job names by its hash, opened: pictures, and the model that finishes what the first began. */
export interface Inputs extends Pictures { readonly refiner?: Model }

/** One of a job's passes, each from what the one before left. */
export interface JobPass {
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

/** Reads prompts and pictures. */
export async function passesOf(job: JobSpec, model: Model, inputs: Inputs, host: Reading & { readonly signal: AbortLike }): Promise<{ passes: readonly JobPass[]; words: WordsReport }> {
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
    noise: (drawn) => latentNoise(job.rng, job.seed, dims, { variation: job.variation, stepSeedDelta: job.ensd, tree: plan.tree, drawn }),
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
