// The passes that a job is: stages over models, the plan of their levels, where each begins, and what it leaves to the next.
import type { JobSpec, LoraUse } from '../../../preload/contract/job';
import type { Lora } from '../adapters/lora';
import { seedPlus } from '../../../preload/contract/seed';
import { blendLatents, changedParts, maskAt, turnsAt } from '../editing/soft';
import { extendCanvas, outpaintSettings, seamCanvas } from '../editing/outpaint';
import { repaint, toEighths, type Canvas } from '../editing/repaint';
import { resample } from '../editing/resample';
import { wrapAround, type SeamlessAxes } from '../nn/seamless';
import { lincomb } from '../sampling/arithmetic';
import { scalings } from '../sampling/model-sampling';
import { latentNoise, type LatentNoise } from '../sampling/noise/latent-noise';
import type { Stage } from '../sampling/pass';
import { planSampling, type SamplingPlan } from '../sampling/plan';
import type { AbortLike, Denoiser } from '../sampling/types';
import { float32, type Dims, type Tensor } from '../tensor';
import { stack, unstack } from './batches';
import { allWords, type WordsReport } from './conditioning';
import { controlExtension, ofPart, type OpenControl } from './control';
import { mix } from './denoiser';
import type { Find, FoundDetails } from './detail';
import type { Extension } from './extensions';
import { latentMask, type Pictures } from './extra-channels';
import { enlarge, hiresEnd, hiresSize } from './hires';
import { imageExtension, type ImagePrompt } from './image-prompt';
import type { OpenLoraUse } from './loras';
import type { Model } from './model';
import { referenceExtension, type OpenReference } from './reference';
import { adaptersOn, handOver, readPrompts, repaintWithin, tellModel, wrapStage, type Reading, type Told } from './stage';
import type { Upscaler } from './upscaler';

/** What a job names by its hash, opened: pictures, and the model that finishes what the first began. */
export interface Inputs extends Pictures {
  readonly refiner?: Model;
  readonly upscaler?: Upscaler | undefined;
  readonly controls?: readonly OpenControl[];
  /** Controls too: pictures that IP-Adapters tell of. */
  readonly images?: readonly ImagePrompt[];
  readonly reference?: OpenReference | undefined;
  /** In place of the pictures, where only a part of one is repainted. */
  readonly canvas?: Canvas | undefined;
  /** In the order of the job's. */
  readonly loras?: readonly Lora[];
  /** Where the job has details. */
  readonly find?: Find;
}

/** One of a job's passes, each from what the one before left. */
export interface JobPass {
  readonly sampler: JobSpec['sampler'];
  readonly plan: SamplingPlan;
  /** Of its latents. */
  readonly dims: Dims;
  /** Its noise, that of the steps after so many draws. */
  readonly noise: (drawn?: number) => LatentNoise;
  /** Of its latents those of the job's picture, where another is made beside it; all of them where left out. */
  readonly picture?: ((latents: Tensor) => Tensor) | undefined;
  /** What its prompts call up, and what of them is not done. */
  readonly words: () => Promise<WordsReport>;
  /** Reads prompts and pictures. `before`: what the pass before it left. */
  readonly open: (before: Tensor | undefined, noise: LatentNoise) => Promise<OpenPass>;
}

export interface OpenPass {
  readonly stage: Stage;
  /** Latents at its first noise level. */
  readonly start: Tensor;
  /** From its latents: the latents that the next begins with, or of the last the picture [1, 3 or 4, H, W] in about −1…1. */
  readonly leave: (latents: Tensor) => Promise<Tensor>;
}

type PassHost = Reading & { readonly signal: AbortLike };

export function passesOf(job: JobSpec, model: Model, inputs: Inputs, host: PassHost): readonly JobPass[] {
  const { hires, outpaint } = job, { canvas } = inputs;
  for (const { autoencoder } of [model, ...(inputs.refiner ? [inputs.refiner] : [])]) autoencoder.tile = job.vaeTile;
  if (outpaint && canvas) {
    const inpaint = outpaintSettings(outpaint, job.inpaint), ground = firstPass({ ...job, inpaint }, model, inputs, host, () => extendCanvas(canvas, outpaint));
    const seam = { ...job, inpaint: { ...inpaint, fill: 'original' as const }, strength: outpaint.seam, seed: seedPlus(job.seed, 1) };
    return outpaint.seam > 0 && outpaint.overlap > 0 ? [ground, firstPass(seam, model, inputs, host, (before) => seamCanvas(before!, outpaint))] : [ground];
  }
  const first = firstPass(job, model, inputs, host, () => canvas);
  return hires ? [first, secondPass(job, hires, model, inputs, host)] : [first];
}

/** What was found is repainted by the model and its LoRAs alone, as ADetailer does it. */
export const detailPass = ({ job, mask }: FoundDetails['repaints'][number], model: Model, { loras, depth }: Inputs, host: PassHost): JobPass =>
  firstPass(job, model, { ...(loras && { loras }) }, host, (before) => ({ picture: toEighths(before!), mask, depth: depth && resample(depth, before!.dims[2]!, before!.dims[3]!, 'bilinear-antialiased') }));

/** `canvasOf`: what is repainted in part, where the pass does that. */
function firstPass(job: JobSpec, model: Model, inputs: Inputs, host: PassHost, canvasOf: (before: Tensor | undefined) => Canvas | undefined): JobPass {
  const { autoencoder } = model, { inpaint } = job, plan = planSampling({ ...job, strength: job.kind === 'txt2img' ? undefined : job.strength }, model.traits.table, model.traits.latentSpace);
  const dims = latentDims(model, job), seeded = (drawn?: number): LatentNoise => noiseOf(job, plan, dims, drawn);
  // A1111's refiner works on the larger picture where there is one.
  const told = { ...job, timestepOf: plan.timestepOf, adapters: openAdapters(job, inputs, 'first') }, refiner = job.hires ? undefined : inputs.refiner;
  return {
    plan, sampler: job.sampler, ...(job.edit ? besideSource(dims, seeded) : { dims, noise: seeded }),
    words: () => wordsOf(model, refiner, told, host),
    async open(before, noise) {
      const canvas = canvasOf(before), part = canvas && inpaint && repaint(canvas, inpaint, job);
      const pictures: Pictures = part ? { ...part, softMask: inpaint?.soft !== undefined } : inputs;
      const encoded = pictures.init && await autoencoder.encode(pictures.init, job.seamless);
      const stage = await stageOf(job, model, { controls: ofPart(inputs.controls, part?.part), images: ofPart(inputs.images, part?.part), reference: inputs.reference, refiner }, { ...told, pictures, original: encoded }, plan, host);
      const mask = pictures.mask && maskOfLatents(pictures.mask, autoencoder.factor, job);
      const original = encoded && (mask ? fillLatents(encoded, mask, job, dims) : encoded);
      return {
        stage: original && mask ? repaintIn(stage, original, mask, { job, plan, noise: noise.initial, model }) : stage,
        start: lincomb([plan.startNoise, noise.initial], ...(original ? [[plan.startPicture, original] as const] : [])),
        leave: async (latents) => {
          if (job.hires) return latents;
          const decoded = await autoencoder.decode(latents, undefined, job.seamless);
          if (part && original && mask) return part.paste(decoded, inpaint?.soft && job.compat === 'a1111' ? changedParts(original, latents, mask, inpaint.soft, job.height, job.width) : undefined);
          // The autoencoder changes every pixel a little; what was not to be repainted is the picture's own.
          return inputs.init && inputs.mask ? mix(inputs.init, decoded, inputs.mask) : decoded;
        },
      };
    },
  };
}

/** A1111's second pass: its own steps, all of them, as many as were asked for; the seed's noise for the larger size; and the refiner. */
function secondPass(job: JobSpec, hires: NonNullable<JobSpec['hires']>, model: Model, inputs: Inputs, host: PassHost): JobPass {
  const { autoencoder } = model, larger = hiresSize(job, hires, autoencoder.factor), size = hiresEnd(larger);
  const { sampler = job.sampler, schedule = job.schedule, steps = job.steps, cfg = job.cfg, prompt = job.prompt, negative = job.negative } = hires;
  // What an edit keeps is in the picture by now.
  const changed = { ...job, edit: undefined, ...size, sampler, schedule, steps, cfg, prompt, negative };
  const plan = planSampling({ ...changed, strength: hires.strength, stepsRun: 'all' }, model.traits.table, model.traits.latentSpace);
  const dims = latentDims(model, size), told = { ...changed, timestepOf: plan.timestepOf, firstPass: job, adapters: openAdapters(job, inputs, 'second') };
  return {
    plan, dims, sampler, noise: (drawn) => noiseOf(job, plan, dims, drawn),
    words: () => wordsOf(model, inputs.refiner, told, host),
    async open(before, noise) {
      if (!before) throw new RangeError('a second pass without a first');
      const { latents, picture } = await enlarge(before, hires, larger, autoencoder, { network: inputs.upscaler, signal: host.signal, seamless: job.seamless });
      const fitted = (each: Tensor | undefined): Tensor | undefined => each && resample(each, size.height, size.width, 'bilinear-antialiased');
      const pictures: Pictures = { init: model.editsPictures() ? fitted(inputs.init) : picture, depth: fitted(inputs.depth) };
      const original = pictures.init && model.editsPictures() ? await autoencoder.encode(pictures.init, job.seamless) : latents;
      return {
        stage: await stageOf(job, model, inputs, { ...told, pictures, original }, plan, host),
        start: lincomb([plan.startNoise, noise.initial], [plan.startPicture, latents]),
        leave: (end) => autoencoder.decode(end, undefined, job.seamless),
      };
    },
  };
}

const latentDims = ({ autoencoder: { latentChannels, factor } }: Model, { width, height }: { width: number; height: number }): Dims => [1, latentChannels, height / factor, width / factor];

const noiseOf = (job: JobSpec, { tree }: SamplingPlan, dims: Dims, drawn?: number): LatentNoise =>
  latentNoise(job.rng, job.seed, dims, { variation: job.variation, stepSeedDelta: job.ensd, tree, drawn });

/** Latents [2, C, h, w] of the source and, second, of the edited picture, which have all noise in common. */
function besideSource([, ...shape]: Dims, noise: JobPass['noise']): Pick<JobPass, 'dims' | 'noise' | 'picture'> {
  const both = (one: Tensor): Tensor => stack([one, one]);
  return {
    dims: [2, ...shape], picture: (latents) => unstack(latents)[1]!,
    noise: (drawn) => { const { initial, next } = noise(drawn); return { initial: both(initial), next: (sigma, sigmaNext) => both(next(sigma, sigmaNext)) }; },
  };
}

/** The model with what steers it, and the refiner that takes over from it. */
async function stageOf(job: JobSpec, model: Model, { refiner, controls = [], images = [], reference }: Pick<Inputs, 'refiner' | 'controls' | 'images' | 'reference'>, own: Told, plan: SamplingPlan, host: PassHost): Promise<Stage> {
  const told = job.seamless ? { ...own, extensions: [...own.extensions ?? [], seamless(job.seamless)] } : own;
  const steering = [...(controls.length > 0 ? [controlExtension(controls)] : []), ...(images.length > 0 ? [imageExtension(images)] : []), ...(reference && reference.settings.weight > 0 ? [await referenceOn(job, model, reference, told)] : [])];
  const first = await tellModel(model, steering.length > 0 ? { ...told, extensions: [...told.extensions ?? [], ...steering] } : told, host);
  host.signal.throwIfAborted();
  const second = refiner && await tellModel(refiner, forRefiner(told, model, refiner), host);
  return wrapStage(second ? handOver(first, second, job.refiner?.switchAt ?? 1, model.traits.table) : first, plan.wrapDenoiser);
}

/** Its noise is one for all steps, of the seed after the job's. In a second, larger pass it has all its say, as in sd-webui-controlnet. */
async function referenceOn(job: JobSpec, model: Model, { settings, picture }: OpenReference, told: Told): Promise<Extension> {
  const shown = await picture(told.width, told.height), latents = await model.autoencoder.encode(float32(shown.dims, shown.data.map((value) => 2 * value - 1)), job.seamless);
  const prediction = told.prediction ?? model.traits.prediction, adapters = adaptersOn(model, told).extensions;
  return referenceExtension(told.firstPass ? { ...settings, fidelity: 0 } : settings, {
    latents, noise: latentNoise(job.rng, seedPlus(job.seed, 1), latents.dims).initial, unet: model.unet, scale: (sigma) => scalings(prediction, sigma).cIn,
    look: (call, writer) => model.look(call, [...adapters, writer]),
  });
}

const seamless = (axes: SeamlessAxes): Extension => ({ key: `seamless ${axes}`, hooks: () => wrapAround(axes), feeds: () => ({}) });

const openAdapters = ({ loras }: JobSpec, inputs: Inputs, at: NonNullable<LoraUse['pass']>): OpenLoraUse[] | undefined =>
  loras?.flatMap((use, i) => (use.pass === undefined || use.pass === at ? [{ ...use, lora: inputs.loras![i]! }] : []));

/** What the job says of its model does not hold for the other; its LoRAs do where that is of the same family. */
const forRefiner = <T extends Pick<Told, 'adapters'>>(told: T, model: Model, refiner: Model): T & { prediction: undefined } =>
  ({ ...told, prediction: undefined, adapters: refiner.unet.contextDim === model.unet.contextDim ? told.adapters : [] });

async function wordsOf(model: Model, refiner: Model | undefined, told: Omit<Told, 'pictures'>, host: Reading): Promise<WordsReport> {
  const read = async (each: Model, what: Omit<Told, 'pictures'>): Promise<WordsReport> => readPrompts(each, { ...what, pictures: {} }, host);
  return allWords(refiner ? [await read(model, told), await read(refiner, forRefiner(told, model, refiner))] : [await read(model, told)]);
}

/** As the job says how its mask is read: grey where it is soft, else 0 or 1. Without a word, as the inpainting models were trained. */
function maskOfLatents(mask: Tensor, factor: number, { inpaint }: JobSpec): Tensor {
  if (!inpaint) return latentMask(mask, factor);
  const [, , height, width] = mask.dims as [number, number, number, number];
  const small = resample(mask, height / factor, width / factor, 'bicubic-antialiased');
  return float32(small.dims, small.data.map((value) => { const share = Math.min(1, Math.max(0, value)); return inpaint.soft ? share : Math.round(share); }));
}

/** What the masked part begins as. */
function fillLatents(original: Tensor, mask: Tensor, { inpaint, rng, seed }: JobSpec, dims: Dims): Tensor {
  if (inpaint?.fill === 'latent_nothing') return mix(original, float32(dims), mask);
  return inpaint?.fill === 'latent_noise' ? mix(original, latentNoise(rng, seed, dims).initial, mask) : original;
}

interface RepaintedIn { readonly job: JobSpec; readonly plan: SamplingPlan; readonly noise: Tensor; readonly model: Model }

/** What lies outside the mask stays, and grey parts change as the job's conventions have it. */
function repaintIn(stage: Stage, original: Tensor, mask: Tensor, { job: { inpaint, compat }, plan: { sigmas }, noise, model: { traits: { table } } }: RepaintedIn): Stage {
  const soft = inpaint?.soft;
  if (!soft) return repaintWithin(stage, original, mask);
  return wrapStage(stage, (denoise): Denoiser => async (x, sigma) => {
    if (compat === 'a1111') {
      const share = maskAt(mask, sigma, soft), blend = (answer: Tensor): Tensor => blendLatents(original, answer, share, soft.contrast), denoised = await denoise(x, sigma);
      return { ...blend(denoised), ...(denoised.uncond && { uncond: blend(denoised.uncond) }) };
    }
    const turns = turnsAt(mask, sigma, { first: sigmas[0]!, last: sigmas.at(-1)!, table });
    const denoised = await denoise(mix(lincomb([1, original], [sigma, noise]), x, turns), sigma);
    return { ...mix(original, denoised, turns), ...(denoised.uncond && { uncond: mix(original, denoised.uncond, turns) }) };
  });
}
