// Which model `--model` means, or which part `--vae`: a file, a diffusers folder, a name, or the beginning of a hash.
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { slotOf, type SlotName } from '../../preload/contract/file-slots';
import type { ModelEntry } from '../../preload/contract/model';
import type { Studio } from '../api/studio';
import { AppError } from '../engine/errors';
import { isModelFolder } from '../services/models/scan';
import { nearest } from './args';

/** Without `wanted` the model that ships with Atelier. `flag` is what asks for it. Throws model.notFound, or why the model cannot be used. */
export async function chooseModel(models: Studio['models'], wanted: string | undefined, flag = '--model'): Promise<ModelEntry> {
  const model = wanted !== undefined && (await isModel(wanted)) ? await addFile(models, resolve(wanted)) : pick(await models.list(), wanted, flag);
  if (model.error) throw AppError.fromInfo(model.error);
  if (model.runnable) return model;
  throw new AppError('model.unsupportedFamily', {
    message: `${model.path} is ${model.family ? `a ${model.family} model` : 'of an unknown family'}, which Atelier cannot run yet.`,
    hint: 'Choose a Stable Diffusion 1, 2 or XL checkpoint.', data: { file: model.path, family: model.family },
  });
}

/** A file for this slot. Throws model.notFound, or why the file cannot be used. */
export function chooseFile(models: Studio['models'], slot: SlotName, wanted: string): Promise<ModelEntry> {
  const { flag, partOf } = slotOf(slot);
  return partOf ? choosePart(models, wanted, `--${flag}`) : chooseModel(models, wanted, `--${flag}`);
}

/** A VAE, TAESD or text encoder. */
async function choosePart(models: Studio['models'], wanted: string, flag: string): Promise<ModelEntry> {
  return (await isModel(wanted)) ? addFile(models, resolve(wanted)) : pick(await models.parts(), wanted, flag);
}

async function addFile(models: Studio['models'], path: string): Promise<ModelEntry> {
  const added = await models.add(path);
  const model = added.find((entry) => entry.path === path) ?? added[0];
  if (!model) throw new AppError('model.notACheckpoint', { message: `${path} holds no model.`, hint: 'Choose a Stable Diffusion checkpoint: a .safetensors or .ckpt file, or a diffusers folder.', data: { file: path } });
  return model;
}

/** By name first, as it is written; then by hash. An abbreviation must mean one model only. */
function pick(models: readonly ModelEntry[], wanted: string | undefined, flag: string): ModelEntry {
  if (wanted === undefined) {
    const first = models.find((model) => model.builtIn) ?? models.find((model) => model.runnable);
    if (first) return first;
    throw new AppError('model.notFound', { message: 'There is no model to make a picture with.', hint: `Name a checkpoint: ${flag} FILE` });
  }
  const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  const named = models.find((model) => model.id === wanted || same(model.name, wanted) || same(basename(model.path), wanted));
  if (named) return named;
  const hashed = /^[0-9a-f]{4,64}$/i.test(wanted) ? models.filter((model) => model.hash?.startsWith(wanted.toLowerCase())) : [];
  if (hashed.length === 1) return hashed[0]!;
  const names = models.map((model) => model.name);
  if (hashed.length > 1) {
    throw new AppError('model.notFound', { message: `${flag} ${wanted} fits several models: ${hashed.map((model) => model.name).join(', ')}.`, hint: 'Give more of the hash, or the name.' });
  }
  const meant = nearest(wanted, names);
  throw new AppError('model.notFound', {
    message: `${flag} ${wanted} is neither a file nor a model that is known here.`,
    hint: meant ? `Did you mean ${meant}?` : `Give the path of a .safetensors or .ckpt file or of a diffusers folder, or one of: ${names.join(', ') || '(no models yet)'}.`,
  });
}

const isModel = (path: string): Promise<boolean> => stat(path).then((found) => found.isFile() || isModelFolder(path), () => false);
