// The models on this machine, as far as they are known without reading them: for a look at a picture, with no studio running.
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DataFolder } from '../data/data-folder';
import { rememberedHashes } from '../database/hashes';
import { builtInUpscalers, upscalerName } from '../models/built-in-upscalers';
import { readNotes } from '../models/models';
import { scanFolders } from '../models/scan';
import type { LocalModel } from '../models/which-model';

/** The built-in one, those in the data folder, and those of any folder whose hashes the studio remembers. Changes nothing; what cannot be read is left out. */
export async function knownModels({ models, database }: Pick<DataFolder, 'models' | 'database'>, builtIn: string): Promise<LocalModel[]> {
  const { name } = await readNotes(builtIn);
  const known = new Map<string, LocalModel>(name === undefined ? [] : [[builtIn, { name, hashes: null }]]);
  for (const [path, scale] of builtInUpscalers(dirname(builtIn))) known.set(path, { name: upscalerName(scale), hashes: null });
  for (const path of (await scanFolders([models])).files) known.set(path, { name: path, hashes: null });
  for (const { path, sizeBytes, mtimeMs, hashes } of rememberedHashes(database)) {
    const file = await stat(path).catch(() => null);
    if (file?.size === sizeBytes && file.mtimeMs === mtimeMs) known.set(path, { name: path, hashes });
  }
  return [...known.values()];
}
