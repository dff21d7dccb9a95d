// Which model `--model` means: a file, a name, or the beginning of a hash.
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ModelEntry } from '../../preload/contract/model';
import type { Studio } from '../api/studio';
import { AppError } from '../engine/errors';
import { nearest } from './args';

/** Without `wanted` the model that ships with Atelier. Throws model.notFound, or why the model cannot be used. */
export async function chooseModel(models: Studio['models'], wanted: string | undefined): Promise<ModelEntry> {
  const model = wanted !== undefined && (await isFile(wanted)) ? await addFile(models, resolve(wanted)) : pick(await models.list(), wanted);
  if (model.error) throw AppError.fromInfo(model.error);
  if (model.runnable) return model;
  throw new AppError('model.unsupportedFamily', {
    message: `${model.path} is ${model.family ? `a ${model.family} model` : 'of an unknown family'}, which Atelier cannot run yet.`,
    hint: 'Choose a Stable Diffusion 1.x checkpoint.', data: { file: model.path, family: model.family },
  });
}

async function addFile(models: Studio['models'], path: string): Promise<ModelEntry> {
  const added = await models.add(path);
  const model = added.find((entry) => entry.path === path) ?? added[0];
  if (!model) throw new AppError('model.notACheckpoint', { message: `${path} holds no model.`, hint: 'Choose a Stable Diffusion checkpoint in .safetensors form.', data: { file: path } });
  return model;
}

/** By name first, as it is written; then by hash. An abbreviation must mean one model only. */
function pick(models: readonly ModelEntry[], wanted: string | undefined): ModelEntry {
  if (wanted === undefined) {
    const first = models.find((model) => model.builtIn) ?? models.find((model) => model.runnable);
    if (first) return first;
    throw new AppError('model.notFound', { message: 'There is no model to make a picture with.', hint: 'Name a checkpoint: --model FILE.safetensors' });
  }
  const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  const named = models.find((model) => model.id === wanted || same(model.name, wanted) || same(`${model.name}.safetensors`, wanted));
  if (named) return named;
  const hashed = /^[0-9a-f]{4,64}$/i.test(wanted) ? models.filter((model) => model.hash?.startsWith(wanted.toLowerCase())) : [];
  if (hashed.length === 1) return hashed[0]!;
  const names = models.map((model) => model.name);
  if (hashed.length > 1) {
    throw new AppError('model.notFound', { message: `--model ${wanted} fits several models: ${hashed.map((model) => model.name).join(', ')}.`, hint: 'Give more of the hash, or the name.' });
  }
  const meant = nearest(wanted, names);
  throw new AppError('model.notFound', {
    message: `--model ${wanted} is neither a file nor a model that is known here.`,
    hint: meant ? `Did you mean ${meant}?` : `Give the path of a .safetensors file, or one of: ${names.join(', ') || '(no models yet)'}.`,
  });
}

const isFile = (path: string): Promise<boolean> => stat(path).then((found) => found.isFile(), () => false);
