// Which model `--model` means, or which part `--vae`: a file, a diffusers folder, a name, or the beginning of a hash.
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { slotOf, type SlotName } from '../../preload/contract/file-slots';
import type { ModelEntry, ModelKind } from '../../preload/contract/model';
import { AppError } from '../engine/errors';
import type { AnyFile, Models } from '../services/models/models';
import { isModelFolder } from '../services/models/scan';
import { whichModel, withHash } from '../services/models/which-model';
import { namedModel } from '../services/pictures/read/resources';
import { nearest } from './args';

type KnownModels = Pick<Models, 'list' | 'parts' | 'add'> & { known(): Promise<readonly Pick<AnyFile, 'entry' | 'hashes'>[]> };

/** Without `wanted` the model that ships with Atelier. `flag` is what asks for it. Throws model.notFound, or why the model cannot be used. */
export async function chooseModel(models: KnownModels, wanted: string | undefined, flag = '--model'): Promise<ModelEntry> {
  const model = wanted !== undefined && (await isModel(wanted)) ? await addFile(models, resolve(wanted)) : await pick(models, await models.list(), wanted, flag);
  if (model.error) throw AppError.fromInfo(model.error);
  if (model.runnable) return model;
  const { path: file, family } = model;
  throw new AppError('model.unsupported', family === null ? { why: 'unknown', file } : { why: 'family', file, family });
}

/** A file for this slot. Throws model.notFound, or why the file cannot be used. */
export function chooseFile(models: KnownModels, slot: SlotName, wanted: string, flag = `--${slotOf(slot).flag}`): Promise<ModelEntry> {
  const { partOf, kinds } = slotOf(slot);
  return partOf || !kinds.includes('checkpoint') ? choosePart(models, wanted, { flag, kinds }) : chooseModel(models, wanted, flag);
}

interface Choosing { readonly flag: string; readonly kinds: readonly ModelKind[] }

/** A file that stands beside a model. */
async function choosePart(models: KnownModels, wanted: string, { flag, kinds }: Choosing): Promise<ModelEntry> {
  return (await isModel(wanted)) ? addFile(models, resolve(wanted)) : pick(models, (await models.parts()).filter(({ kind }) => kind !== null && kinds.includes(kind)), wanted, flag);
}

async function addFile(models: KnownModels, path: string): Promise<ModelEntry> {
  const added = await models.add(path);
  const model = added.find((entry) => entry.path === path) ?? added[0];
  if (!model) throw new AppError('model.notACheckpoint', { why: 'none', file: path });
  return model;
}

/** By name first, with as much of its folder as is given; then by hash. What fits several models that are not the same names them all. */
async function pick(known: KnownModels, models: readonly ModelEntry[], wanted: string | undefined, flag: string): Promise<ModelEntry> {
  if (wanted === undefined) {
    const first = models.find((model) => model.builtIn) ?? models.find((model) => model.runnable);
    if (first) return first;
    throw new AppError('model.notFound', { why: 'none', flag });
  }
  const byId = models.find((model) => model.id === wanted);
  if (byId) return byId;
  const hashes = new Map((await known.known()).map(({ entry, hashes }) => [entry.id, hashes]));
  const files = models.map((entry) => ({ entry, hashes: hashes.get(entry.id) ?? null }));
  const choice = whichModel(namedModel(wanted), files) ?? withHash(wanted, files);
  if (choice?.others.length === 0) return choice.file.entry;
  if (choice) throw new AppError('model.notFound', { why: 'several', flag, name: wanted, names: [choice.file, ...choice.others].map(({ entry }) => labelOf(entry)) });
  const names = models.map(labelOf), meant = nearest(wanted, names);
  throw new AppError('model.notFound', meant ? { why: 'meant', flag, name: wanted, meant } : names.length > 0 ? { why: 'unknown', flag, name: wanted, names } : { why: 'alone', flag, name: wanted });
}

/** What names this one alone. */
const labelOf = ({ folder, name, path }: ModelEntry): string => (folder ? `${folder}/${basename(path)}` : name);

const isModel = (path: string): Promise<boolean> => stat(path).then((found) => found.isFile() || isModelFolder(path), () => false);
