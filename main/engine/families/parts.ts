// A model whose parts are in files of their own: a U-Net with the VAE and the text encoders that somebody chose for it, or a checkpoint with others
// than its own.
import { AppError } from '../errors';
import type { WeightFile } from '../weights/source';
import { checkCheckpoint, isRunnableFamily, type PartKind } from '../checking/check';
import { identify } from '../identify/identify';
import { notRunnable } from '../identify/runnable';
import { assembleCheckpoint } from '../weights/key-maps/assemble';
import { meantBy } from '../weights/meant';
import { refuseForeignForm } from '../weights/quantized/forms';
import { taesdPart } from './taesd';

export interface ChosenParts {
  /** A VAE, a TAESD, or a checkpoint whose VAE is meant. */
  readonly vae?: WeightFile | undefined;
  readonly textEncoders?: readonly WeightFile[] | undefined;
}

/** What a job runs on. `tiny`: a TAESD in the autoencoder's place. */
export interface WholeModel { readonly file: WeightFile; readonly tiny?: WeightFile | undefined }

/** One model under the names of an original checkpoint. Throws model.wrongPart where a file is not the part that it is chosen for, model.partsClash, weights.foreignForm. */
export function combineParts(model: WeightFile, { vae, textEncoders = [] }: ChosenParts): WholeModel {
  for (const part of [vae, ...textEncoders]) if (part) refuseForeignForm(part);
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
  throw new AppError('model.partsClash', { files: [first.path, second.path] });
}

export interface Fitness {
  /** Parts that are not there. */
  readonly lacks: readonly PartKind[];
  /** Why no pictures can be made, whatever else is chosen; null when nothing but `lacks` is in the way. */
  readonly error: AppError | null;
}

/** Whether pictures can be made with it. */
export function fitnessOf({ file: given, tiny }: WholeModel): Fitness {
  const file = meantBy(given), { kind, family, variant, confidence } = identify(file);
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
  return new AppError('model.lacks', { file: model.file.path, parts: [...lacks] });
}

function checkedTaesd(file: WeightFile): WeightFile {
  if (taesdPart(file, 'decoder')) return file;
  throw new AppError('model.wrongPart', { why: 'taesd', file: file.path });
}

function checkedVae(file: WeightFile): WeightFile {
  const { kind } = identify(file);
  if (kind === 'vae' || kind === 'checkpoint') return file;
  throw new AppError('model.wrongPart', { why: 'vae', file: file.path });
}

/** CLIP-L has 768 channels, OpenCLIP-H 1024, bigG 1280. Only SDXL reads two, and its refiner bigG alone. */
function textSlot(file: WeightFile, family: string | null): 'text' | 'text2' {
  const { kind } = identify(file);
  if (kind !== 'text-encoder') {
    throw new AppError('model.wrongPart', { why: 'text', file: file.path });
  }
  const isOpenClip = [...file.tensors.keys()].some((name) => name.includes('transformer.resblocks.'));
  if (isOpenClip && family === 'sd1') {
    throw new AppError('model.wrongPart', { why: 'openclip', file: file.path });
  }
  const width = [...file.tensors.values()].find(({ name }) => name.endsWith('token_embedding.weight'))?.shape[1] ?? 0;
  return family === 'sdxl-refiner' || (family === 'sdxl' && (isOpenClip || width > 1024)) ? 'text2' : 'text';
}
