// `inspect` of a folder: one model where it is a diffusers folder, else which of its files to ask about.
import { readdir, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { AppError } from '../engine/errors';
import type { WeightFile } from '../engine/weights/source';
import { openModelFolder } from '../files/model-folder';
import { openNetwork } from '../files/network-folder';

const modelFile = /\.(?:safetensors|sft|ckpt|pt|pth|bin)$/i;
const shownFiles = 8;

const isFolder = (path: string): Promise<boolean> => stat(path).then((found) => found.isDirectory(), () => false);

/**
 * null: `path` is no folder. A folder with one network alone (a ControlNet's, or `unet/` itself) is that network, a pipeline of another family the one that
 * paints. Throws folder.noModel for a folder of single files, naming them, and what `openModelFolder` throws for an incomplete model.
 */
export async function openFolder(path: string): Promise<WeightFile | null> {
  if (!await isFolder(path)) return null;
  const folder = resolve(path);
  if (await isFolder(join(folder, 'unet'))) return openModelFolder(folder);
  const network = await openOnly(folder);
  if (network) return network;
  const files = await modelFiles(folder, 1), shown = files.slice(0, shownFiles).map((file) => relative(folder, file));
  throw new AppError('folder.noModel', files.length === 0 ? { why: 'none', folder } : { why: 'several', folder, names: shown, count: files.length });
}

/** diffusers puts a config.json beside a network, and model_index.json above several. */
async function openOnly(folder: string): Promise<WeightFile | undefined> {
  const has = (name: string): Promise<boolean> => stat(join(folder, name)).then((found) => found.isFile(), () => false);
  if (await has('model_index.json')) return await openNetwork(join(folder, 'transformer')) ?? await openNetwork(join(folder, 'prior'));
  return await has('config.json') ? openNetwork(folder) : undefined;
}

async function modelFiles(folder: string, depth: number): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(entries.toSorted((a, b) => a.name.localeCompare(b.name)).map(async (entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return depth > 0 ? modelFiles(path, depth - 1) : [];
    return modelFile.test(entry.name) ? [path] : [];
  }));
  return found.flat();
}
