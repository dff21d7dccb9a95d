// Puts finished pictures where `--out` says: a file of that name, or a folder. The library keeps its own.
import { copyFile, mkdir, rename, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { AppError } from '../engine/errors';
import { withTemp } from '../services/data/temps';

/** Copies picture `index` (from 0) and returns where it is now. `name`: in a folder, where it is not to be the library's. */
export type SaveCopy = (path: string, index: number, name?: string) => Promise<string>;

/** Makes the folder, so that a wrong --out shows before the work and not after it. FILE.png becomes FILE-1.png, … for several pictures. */
export async function prepareOut(out: string | undefined, count: number): Promise<SaveCopy> {
  if (out === undefined) return async (path) => path;
  const target = resolve(out);
  const isFolder = await stat(target).then((found) => found.isDirectory(), () => extname(target) === '' || /[\\/]$/.test(out));
  const extension = extname(target);
  if (!isFolder && extension.toLowerCase() !== '.png') throw new AppError('usage', { why: 'out', value: out });
  const stem = target.slice(0, -extension.length);
  const nameFor = (path: string, index: number, name = basename(path)): string => {
    if (isFolder) return join(target, name);
    return count === 1 ? target : `${stem}-${index + 1}${extension}`;
  };
  const folder = isFolder ? target : dirname(target);
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => { throw diskError(folder, cause); });
  return async (path, index, name) => {
    const to = nameFor(path, index, name);
    await copyAtomically(path, to);
    return to;
  };
}

async function copyAtomically(from: string, to: string): Promise<void> {
  if (resolve(from) !== to) await writeWhole(to, (temp) => copyFile(from, temp));
}

/** The name appears with the whole file behind it, or not at all. `write` gets the path to write to. */
export async function writeWhole(to: string, write: (temp: string) => Promise<void>): Promise<void> {
  try {
    await withTemp(dirname(to), async (temp) => {
      await write(temp);
      await rename(temp, to);
    });
  } catch (cause) {
    throw diskError(to, cause);
  }
}

export function diskError(path: string, cause: unknown): AppError {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === 'ENOSPC') return new AppError('disk.out', { why: 'full', file: path }, { cause });
  return new AppError('disk.out', { why: 'failed', file: path, detail: message }, { cause });
}
