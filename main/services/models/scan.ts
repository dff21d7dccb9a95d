// Finds model files in folders, and folders that are models. Files that a browser is still downloading are left out, and a folder that cannot be read is told, not fatal.
import { readdir, realpath, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { AppError } from '../../engine/errors';

/** Deep enough for any collection that a person keeps; ends a mistaken root folder early. */
const MAX_DEPTH = 6;
const extensions = ['.safetensors', '.sft', '.ckpt', '.pt', '.pth', '.bin'];

export interface Scan {
  /** Real paths, each file once. A diffusers folder is one model, and nothing in it is looked at further. */
  readonly files: readonly string[];
  readonly unreachable: readonly { folder: string; error: AppError }[];
}

/** Looks through `folders` and everything below them, symbolic links included. */
export async function scanFolders(folders: readonly string[]): Promise<Scan> {
  const files = new Set<string>();
  const seen = new Set<string>();
  const unreachable: { folder: string; error: AppError }[] = [];
  for (const folder of folders) {
    await walk(folder, 0).catch((cause: unknown) => unreachable.push({ folder, error: unreachableFolder(folder, cause) }));
  }
  return { files: [...files], unreachable };

  async function walk(folder: string, depth: number): Promise<void> {
    const real = await realpath(folder);
    if (seen.has(real)) return;                 // a link that leads back up
    seen.add(real);
    const entries = await readdir(real, { withFileTypes: true });
    if (isModelListing(entries.map(({ name }) => name))) return void files.add(real);
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue;
      const path = join(real, entry.name);
      const kind = entry.isSymbolicLink() ? await stat(path).catch(() => null) : entry;
      if (kind?.isDirectory() && depth < MAX_DEPTH) await walk(path, depth + 1).catch(() => {});      // one locked subfolder hides no other
      else if (kind?.isFile() && isModelName(entry.name)) files.add(await realpath(path));
    }
  }
}

/** Diffusers puts `model_index.json` into the folder of a whole model; where somebody left it out, the networks' own folders tell. */
const isModelListing = (names: readonly string[]): boolean => names.includes('model_index.json') || ['unet', 'vae', 'text_encoder'].every((name) => names.includes(name));

export const isModelFolder = (folder: string): Promise<boolean> => readdir(folder).then(isModelListing, () => false);

/** By its last extension, which a partial download (`.part`, `.crdownload`, `.tmp`) has after the model's. */
export const isModelName = (name: string): boolean => extensions.includes(extname(name).toLowerCase());

function unreachableFolder(folder: string, cause: unknown): AppError {
  const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
  return new AppError(missing ? 'file.notFound' : 'file.unreadable', {
    message: `The model folder ${folder} ${missing ? 'is not there' : 'cannot be read'}`,
    hint: 'Connect its drive, or take the folder out of the settings.', data: { file: folder }, cause,
  });
}
