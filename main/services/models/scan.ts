// Finds model files in folders, and folders that are models. Files that a browser is still downloading are left out, and a folder that cannot be read is told, not fatal.
import fs from 'node:fs/promises';      // called through the module object, so that tests can make any of its calls fail
import { extname, join } from 'node:path';
import { AppError, detailOf } from '../../engine/errors';
import { systemFault, throwIfPassing } from '../../files/system-faults';
import { walk } from '../../files/walk';

/** Enough for any collection that a person keeps; they end a mistaken root folder early. */
const DEEPEST = 6, MOST = 50_000;
const extensions = ['.safetensors', '.sft', '.ckpt', '.pt', '.pth', '.bin'];

export interface Scan {
  /** Real paths, each file once. A diffusers folder is one model, and nothing in it is looked at further. */
  readonly files: readonly string[];
  /** Folders, and files, that could not be looked at, or not to their end. */
  readonly unreachable: readonly { folder: string; error: AppError }[];
}

/** Looks through `folders` and everything below them, links included: each real folder once. `most`: files and folders in each. */
export async function scanFolders(folders: readonly string[], most = MOST): Promise<Scan> {
  const files = new Set<string>(), seen = new Set<string>(), unreachable: { folder: string; error: AppError }[] = [];
  for (const folder of folders) {
    const found: string[] = [];
    const enter = (inner: string, names: readonly string[]): boolean => {
      const isModel = isModelListing(names);
      if (isModel) found.push(inner);
      return !isModel;
    };
    // A drive that is linked here and does not answer hides no other's models, but may hold what is asked for.
    const away = (inner: string, error: AppError): void => { unreachable.push({ folder: inner, error }); };
    try {
      const { files: all, cutAt } = await walk(folder, { outside: true, most, deepest: DEEPEST, skip: (name) => name.startsWith('.'), enter, seen, away });
      found.push(...all.filter(isModelName).map((file) => join(folder, file)));
      if (cutAt !== null) unreachable.push({ folder, error: tooLarge(folder, cutAt) });
    } catch (cause) {
      unreachable.push({ folder, error: unreachableFolder(folder, cause) });
    }
    for (const path of found) files.add(await fs.realpath(path).catch(() => path));
  }
  return { files: [...files], unreachable };
}

/** Diffusers puts `model_index.json` into the folder of a whole model; where somebody left it out, the networks' own folders tell. */
const isModelListing = (names: readonly string[]): boolean => names.includes('model_index.json') || ['unet', 'vae', 'text_encoder'].every((name) => names.includes(name));

/** Throws disk.silent, machine.exhausted. */
export const isModelFolder = (folder: string): Promise<boolean> => fs.readdir(folder).then(isModelListing, (cause: unknown) => { throwIfPassing(cause, folder); return false; });

/** By its last extension, which a partial download (`.part`, `.crdownload`, `.tmp`) has after the model's. */
export const isModelName = (name: string): boolean => extensions.includes(extname(name).toLowerCase());

function unreachableFolder(folder: string, cause: unknown): AppError {
  const passing = systemFault(cause, folder);
  if (passing) return passing;
  const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
  return missing ? new AppError('folder.notFound', { folder }, { cause }) : new AppError('folder.unreadable', { folder, detail: detailOf(cause) }, { cause });
}

const tooLarge = (folder: string, cutAt: number): AppError => new AppError('folder.tooLarge', { folder, most: cutAt });
