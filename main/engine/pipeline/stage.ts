// Stages: a model that was told its prompts and pictures, and what is made of several of them.
import type { JobSpec } from '../../../preload/contract/job';
import type { Stage } from '../sampling/pass';
import { sigmaToT, type SigmaTable } from '../sampling/model-sampling';
import { samplers } from '../sampling/samplers';
import type { Denoiser } from '../sampling/types';
import type { Vocabulary } from '../text/chunks';
import type { EmbeddingLibrary } from '../text/embeddings';
import type { Tensor } from '../tensor';
import { conditionOn, type WordsReport } from './conditioning';
import { evaluationsOf, guidedDenoiser, keepOutside } from './denoiser';
import { extraChannels, type Pictures } from './extra-channels';
import type { Model } from './model';

/** What a model is told. */
export interface Told extends Pick<JobSpec, 'prompt' | 'negative' | 'clipSkip' | 'emphasis' | 'cfg' | 'cfgRescale' | 'imageCfg' | 'prediction' | 'width' | 'height'> {
  /** What prompts that change from step to step are laid over. */
  readonly steps: number;
  readonly sampler: JobSpec['sampler'];
  readonly pictures: Pictures;
  /** Latents of `pictures.init`. */
  readonly original?: Tensor | undefined;
  /** Which timestep the network is told at a noise level. */
  readonly timestepOf: (sigma: number) => number;
}

export interface Reading {
  readonly vocabulary: Vocabulary;
  /** Trained words that prompts may use. */
  readonly embeddings?: EmbeddingLibrary | undefined;
  /** Evaluates the halves of guidance one after the other: slower, with less memory. */
  readonly sequential?: boolean;
}

/** Reads the prompts and pictures as this model does. Its U-Net stays open after a pass, for the next job. */
export async function tellModel(model: Model, told: Told, { vocabulary, embeddings, sequential = false }: Reading): Promise<{ stage: Stage; words: WordsReport }> {
  const { pictures, original, width, height } = told;
  const cfg = model.readsGuidance() ? 1 : told.cfg;
  const imageCfg = pictures.init && model.editsPictures() ? told.imageCfg ?? 1.5 : 1;
  const { promptStepsPerStep, readsUncond } = samplers[told.sampler];
  const { at, ...words } = await conditionOn({
    encode: (rows, skip, inserts) => model.encodeText(rows, skip, inserts), widths: model.textWidths,
    beside: (pooled, negative) => model.besideText(pooled, { width, height, negative, guidance: told.cfg }),
  }, vocabulary, { ...told, evaluations: told.steps * promptStepsPerStep, guided: cfg !== 1 || imageCfg !== 1 || readsUncond }, embeddings);
  const { prediction, table } = model.traits;
  const denoise = guidedDenoiser((x, t, condition) => model.predict(x, t, condition), {
    prediction: told.prediction ?? prediction, table, timestepOf: told.timestepOf, cfg, rescale: told.cfgRescale, imageCfg, sequential,
    concat: await extraChannels(model, pictures, original, told), conditioning: at,
  });
  const atStart = at(0), { factor } = model.autoencoder;
  const size = { batch: sequential ? 1 : evaluationsOf(atStart, imageCfg), height: height / factor, width: width / factor, tokens: atStart.conds[0]!.condition.context.dims[1]! };
  return {
    words,
    stage: {
      prepare: async () => { await model.prepare(size); },
      denoise: (x, sigma, { evaluation }) => denoise(x, sigma, evaluation),
      release: () => model.releaseUnet(),
      end: async () => {},
    },
  };
}

/** The second stage takes over for good when this share of the noise levels is done, in the middle of a step too, as in A1111. Only one of the two is held open, and the second not after the pass. */
export function handOver(first: Stage, second: Stage, switchAt: number, table: SigmaTable): Stage {
  const isDone = (sigma: number): boolean => (table.sigmas.length - 1 - sigmaToT(table, sigma)) / table.sigmas.length >= switchAt;
  let open = first;
  const take = async (lowestSigma: number): Promise<Stage> => {
    const wanted = isDone(lowestSigma) ? second : first;
    if (wanted !== open) await open.release();
    return open = wanted;
  };
  return {
    prepare: async (moment) => (await take(moment.lowestSigma)).prepare(moment),
    denoise: async (x, sigma, moment) => (await take(moment.lowestSigma)).denoise(x, sigma, moment),
    release: async () => { await Promise.all([first.release(), second.release()]); },
    end: async () => { await Promise.all([first.end(), second.release(), second.end()]); },
  };
}

/** Outside the mask [1, 1, h, w] the latents stay those of `original`. */
export const repaintWithin = (stage: Stage, original: Tensor, mask: Tensor): Stage => wrapStage(stage, (denoise) => keepOutside(denoise, original, mask));

export const wrapStage = (stage: Stage, wrap: (denoise: Denoiser) => Denoiser): Stage => ({
  ...stage, denoise: (x, sigma, moment) => wrap((inner, level) => stage.denoise(inner, level, moment))(x, sigma),
});
