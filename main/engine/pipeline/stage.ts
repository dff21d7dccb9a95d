// Stages: a model that was told its prompts and pictures, and what is made of several of them.
import type { JobSpec } from '../../../preload/contract/job';
import type { Stage } from '../sampling/pass';
import { sigmaToT, type SigmaTable } from '../sampling/model-sampling';
import { samplers } from '../sampling/samplers';
import type { Denoiser } from '../sampling/types';
import type { Vocabulary } from '../text/chunks';
import type { EmbeddingLibrary } from '../text/embeddings';
import type { Tensor } from '../tensor';
import { allWords, conditionOn, type Conditioned } from './conditioning';
import { evaluationsOf, guidedDenoiser, keepOutside, type Conditioning } from './denoiser';
import { editBetween, type Edit, type Editing } from './editing';
import type { Extension } from './extensions';
import { extraChannels, type Pictures } from './extra-channels';
import { lorasOn, shareOf, type LorasOnModel, type OpenLoraUse } from './loras';
import type { Model } from './model';

/** What a model is told. */
export interface Told extends Pick<JobSpec, 'prompt' | 'negative' | 'clipSkip' | 'emphasis' | 'cfg' | 'cfgRescale' | 'imageCfg' | 'prediction' | 'width' | 'height' | 'seamless' | 'compat'> {
  /** What prompts that change from step to step are laid over. */
  readonly steps: number;
  readonly sampler: JobSpec['sampler'];
  readonly pictures: Pictures;
  /** Latents of `pictures.init`. */
  readonly original?: Tensor | undefined;
  /** Which timestep the network is told at a noise level. */
  readonly timestepOf: (sigma: number) => number;
  /** Makes the picture beside its source, from the same noise: latents are [2, C, h, w], the source first. */
  readonly edit?: Edit | undefined;
  /** What changes the model's U-Net, on what the adapters have made of it. */
  readonly extensions?: readonly Extension[];
  readonly adapters?: readonly OpenLoraUse[] | undefined;
  /** Of a second pass: what the first was told, since prompts that change go on counting from there. */
  readonly firstPass?: Pick<Told, 'steps' | 'sampler'>;
}

export interface Reading {
  readonly vocabulary: Vocabulary;
  /** Trained words that prompts may use. */
  readonly embeddings?: EmbeddingLibrary | undefined;
  /** Evaluates the halves of guidance one after the other: slower, with less memory. */
  readonly sequential?: boolean;
}

/** Reads the prompts as this model does, with an edit those of its source, too. */
export async function readPrompts(model: Model, told: Told, { vocabulary, embeddings }: Reading): Promise<Conditioned & { readonly editing?: Editing }> {
  const { width, height, firstPass, prompt, negative, edit } = told, evaluations = evaluationsIn(told), { text, notices } = adaptersOn(model, told);
  const readOne = (prompts: { prompt: string; negative: string }, guided = false): Promise<Conditioned> => conditionOn({
    encode: (rows, skip, inserts) => model.encodeText(rows, skip, inserts, text), widths: model.textWidths,
    beside: (pooled, negative) => model.besideText(pooled, { width, height, negative, guidance: told.cfg }),
  }, vocabulary, {
    ...told, ...prompts, evaluations, evaluationsBefore: firstPass && evaluationsIn(firstPass),
    guided: guided || guidanceOf(model, told) !== 1 || guidanceByPicture(model, told) !== 1 || samplers[told.sampler].readsUncond,
  }, embeddings);
  const read = async (...told: Parameters<typeof readOne>): Promise<Conditioned> => { const said = await readOne(...told); return { ...said, notices: [...notices, ...said.notices] }; };
  const own = await read({ prompt, negative });
  if (!edit) return own;
  // Both with a side without the prompt, or neither.
  const ofSource = { negative, ...edit.source }, source = await read(ofSource), isGuided = (one: Conditioned): boolean => one.at(0).uncond !== null;
  const [first, second] = isGuided(source) === isGuided(own) ? [source, own] : [await read(ofSource, true), await read({ prompt, negative }, true)];
  return { ...second, ...allWords([second, first]), editing: editBetween(edit, first, second, evaluations, vocabulary) };
}

export const adaptersOn = (model: Model, { adapters = [], compat }: Pick<Told, 'adapters' | 'compat'>): LorasOnModel => lorasOn(model, adapters, shareOf(compat, model.traits.table));
const evaluationsIn = ({ steps, sampler }: Pick<Told, 'steps' | 'sampler'>): number => steps * samplers[sampler].promptStepsPerStep;
const guidanceOf = (model: Model, { cfg }: Told): number => (model.readsGuidance() ? 1 : cfg);
const guidanceByPicture = (model: Model, { pictures, imageCfg = 1.5 }: Told): number => (pictures.init && model.editsPictures() ? imageCfg : 1);

/** Reads the prompts and pictures as this model does. Its U-Net stays open after a pass, for the next job. */
export async function tellModel(model: Model, told: Told, reading: Reading): Promise<Stage> {
  const { pictures, original, width, height } = told, { sequential = false } = reading;
  const cfg = guidanceOf(model, told), imageCfg = guidanceByPicture(model, told), evaluations = evaluationsIn(told);
  const { editing, ...conditioned } = await readPrompts(model, told, reading), { at } = editing ?? conditioned;
  // What an edit does lies next to the network's own attention: whatever else changes that sees whole batches.
  const extensions = [...adaptersOn(model, told).extensions, ...(editing?.extensions ?? []), ...(told.extensions ?? [])];
  const { prediction, table } = model.traits;
  const denoise = guidedDenoiser((x, t, condition, asked) => model.predict(x, t, condition, asked, extensions), {
    prediction: told.prediction ?? prediction, table, timestepOf: told.timestepOf, cfg, rescale: told.cfgRescale, imageCfg, sequential,
    concat: await extraChannels(model, pictures, original, told), conditioning: at, evaluations,
  });
  const atStart = [at(0)].flat(), { factor } = model.autoencoder, [one] = atStart as [Conditioning];
  const size = { batch: atStart.length * (sequential ? 1 : evaluationsOf(one, imageCfg)), height: height / factor, width: width / factor, tokens: one.conds[0]!.condition.context.dims[1]! };
  const answer: Stage['denoise'] = (x, sigma, { evaluation }) => denoise(x, sigma, evaluation);
  return {
    prepare: async () => { await model.prepare(size, extensions); },
    denoise: editing?.blend?.blended(answer) ?? answer,
    release: async () => { await Promise.all([model.releaseUnet(), ...extensions.map((extension) => extension.release?.())]); },
    end: async () => { await model.releaseBeside(); },
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
  ...stage, async denoise(x, sigma, moment) {
    let memory: Tensor | undefined;
    const denoised = await wrap(async (inner, level) => {
      const answer = await stage.denoise(inner, level, moment);
      ({ memory } = answer);
      return answer;
    })(x, sigma);
    return { ...denoised, ...(memory && { memory }) };
  },
});
