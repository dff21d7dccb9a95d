// Puts finished pictures where `--out` says: a file of that name, or a folder. The library keeps its own.
import { copyFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { AppError } from '../engine/errors';
import { usageError } from './args';

/** Copies picture `index` (from 0) and returns where it is now. */
export type SaveCopy = (path: string, index: number) => Promise<string>;

/** Makes the folder, so that a wrong --out shows before the work and not after it. FILE.png becomes FILE-1.png, … for several pictures. */
export async function prepareOut(out: string | undefined, count: number): Promise<SaveCopy> {
  if (out === undefined) return async (path) => path;
  const target = resolve(out);
  const isFolder = await stat(target).then((found) => found.isDirectory(), () => extname(target) === '' || /[\\/]$/.test(out));
  const extension = extname(target);
  if (!isFolder && extension.toLowerCase() !== '.png') throw usageError(`--out ${out}: pictures are saved as PNG, not ${extension || 'without an extension'}.`, 'Give a name that ends in .png, or a folder.');
  const stem = target.slice(0, -extension.length);
  const nameFor = (path: string, index: number): string => {
    if (isFolder) return join(target, basename(path));
    return count === 1 ? target : `${stem}-${index + 1}${extension}`;
  };
  const folder = isFolder ? target : dirname(target);
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => { throw diskError(folder, cause); });
  return async (path, index) => {
    const to = nameFor(path, index);
    await copyAtomically(path, to);
    return to;
  };
}

/** The name appears with the whole file behind it, or not at all. */
async function copyAtomically(from: string, to: string): Promise<void> {
  if (resolve(from) === to) return;
  const temporary = `${to}.${process.pid}.tmp`;
  try {
    await copyFile(from, temporary);
    await rename(temporary, to);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw diskError(to, cause);
  }
}

function diskError(path: string, cause: unknown): AppError {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === 'ENOSPC') return new AppError('disk.full', { message: `There is no space left for ${path}.`, hint: 'Free some space, or choose another --out. The picture is safe in the library.', data: { file: path }, cause });
  return new AppError('disk.failed', { message: `${path} cannot be written: ${message}`, hint: 'Choose another place with --out. Finished pictures are safe in the library.', data: { file: path }, cause });
}
