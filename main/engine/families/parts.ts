// A model whose parts are in files of their own: a U-Net with the VAE and the text encoders that somebody chose for it, or a checkpoint with others
// than its own.
import { AppError } from '../errors';
import { baseName } from '../weights/safetensors';
import type { WeightFile } from '../weights/source';
import { checkCheckpoint, isRunnableFamily, type PartKind } from '../checking/check';
import { identify } from '../identify/identify';
import { notRunnable } from '../identify/runnable';
import { assembleCheckpoint } from '../weights/key-maps/assemble';
import { taesdPart } from './taesd';

export interface ChosenParts {
  /** A VAE, a TAESD, or a checkpoint whose VAE is meant. */
  readonly vae?: WeightFile | undefined;
  readonly textEncoders?: readonly WeightFile[] | undefined;
}

/** What a job runs on. `tiny`: a TAESD in the autoencoder's place. */
export interface WholeModel { readonly file: WeightFile; readonly tiny?: WeightFile | undefined }

/** One model under the names of an original checkpoint. Throws model.notACheckpoint where a file is not the part that it is chosen for. */
export function combineParts(model: WeightFile, { vae, textEncoders = [] }: ChosenParts): WholeModel {
  const { kind, family } = identify(model), isUnet = kind === 'unet';
  const tiny = vae && identify(vae).kind === 'taesd' ? checkedTaesd(vae) : undefined;
  const own = tiny ? undefined : vae && checkedVae(vae);
  if (!isUnet && !own && textEncoders.length === 0) return { file: model, tiny };
  const texts = textEncoders.map((file) => ({ file, slot: textSlot(file, family) }));
  const [text, text2] = (['text', 'text2'] as const).map((wanted) => onlyOne(texts.filter(({ slot }) => slot === wanted).map((each) => each.file)));
  return { file: assembleCheckpoint(model.path, { ...(isUnet ? { unet: model } : { checkpoint: model }), vae: own, text, text2 }), tiny };
}

function onlyOne([first, second]: readonly WeightFile[]): WeightFile | undefined {
  if (!first || !second) return first;
  throw new AppError('model.notACheckpoint', {
    message: `${baseName(first.path)} and ${baseName(second.path)} are for the same place`, data: { files: [first.path, second.path] },
    hint: 'Choose one text encoder. SDXL alone has two: CLIP-L and OpenCLIP bigG.',
  });
}

export interface Fitness {
  /** Parts that are not there. */
  readonly lacks: readonly PartKind[];
  /** Why no pictures can be made, whatever else is chosen; null when nothing but `lacks` is in the way. */
  readonly error: AppError | null;
}

/** Whether pictures can be made with it. */
export function fitnessOf({ file, tiny }: WholeModel): Fitness {
  const { kind, family, variant, confidence } = identify(file);
  if ((kind !== 'checkpoint' && kind !== 'unet') || !isRunnableFamily(family)) return { lacks: [], error: notRunnable(file, { kind, family, variant, confidence }, []) };
  const whole = kind === 'unet' ? assembleCheckpoint(file.path, { unet: file }) : file;
  const problems = checkCheckpoint(whole, family).filter(({ lacks }) => lacks !== 'vae' || !tiny);
  const error = notRunnable(file, { kind: 'checkpoint', family, variant, confidence }, problems.filter(({ lacks }) => !lacks));
  return { lacks: error ? [] : [...new Set(problems.flatMap(({ lacks }) => lacks ?? []))], error };
}

/** The error of a job whose model lacks something; null when it can run. */
export function whyNotWhole(model: WholeModel): AppError | null {
  const { lacks, error } = fitnessOf(model);
  if (error || lacks.length === 0) return error;
  const name = baseName(model.file.path), parts = lacks.map((part) => partLabels[part]).join(' and ');
  return new AppError('weights.missingTensor', {
    message: `${name} has no ${parts} inside`, hint: `Choose a file with the ${parts} for it, or a checkpoint that has everything.`, data: { file: model.file.path, lacks: lacks.join() },
  });
}

const partLabels: Readonly<Record<PartKind, string>> = { vae: 'VAE', 'text-encoder': 'text encoder' };

function checkedTaesd(file: WeightFile): WeightFile {
  if (taesdPart(file, 'decoder')) return file;
  throw new AppError('model.notACheckpoint', {
    message: `${baseName(file.path)} is a TAESD without a decoder for four latent channels`, data: { file: file.path },
    hint: 'Choose taesd_decoder for SD 1 and SD 2, taesdxl_decoder for SDXL.',
  });
}

function checkedVae(file: WeightFile): WeightFile {
  const { kind } = identify(file);
  if (kind === 'vae' || kind === 'checkpoint') return file;
  throw new AppError('model.notACheckpoint', { message: `${baseName(file.path)} is no VAE`, hint: 'Choose a VAE or a TAESD. `inspect` tells what a file is.', data: { file: file.path, kind } });
}

/** CLIP-L has 768 channels, OpenCLIP-H 1024, bigG 1280. Only SDXL reads two, and its refiner bigG alone. */
function textSlot(file: WeightFile, family: string | null): 'text' | 'text2' {
  const { kind } = identify(file);
  if (kind !== 'text-encoder') {
    throw new AppError('model.notACheckpoint', { message: `${baseName(file.path)} is no text encoder`, hint: 'Choose a CLIP text encoder. `inspect` tells what a file is.', data: { file: file.path, kind } });
  }
  const isOpenClip = [...file.tensors.keys()].some((name) => name.includes('transformer.resblocks.'));
  if (isOpenClip && family === 'sd1') {
    throw new AppError('model.notACheckpoint', { message: `${baseName(file.path)} is an OpenCLIP text encoder, which Stable Diffusion 1 does not read`, hint: 'Choose CLIP-L (clip_l, or the text encoder of another SD 1 model).', data: { file: file.path } });
  }
  const width = [...file.tensors.values()].find(({ name }) => name.endsWith('token_embedding.weight'))?.shape[1] ?? 0;
  return family === 'sdxl-refiner' || (family === 'sdxl' && (isOpenClip || width > 1024)) ? 'text2' : 'text';
}
