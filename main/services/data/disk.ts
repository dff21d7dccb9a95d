// Files of ours on disk. A file is either whole or not there: written beside its place under a name of its own, flushed to the disk, then given its
// name. What the system says of a disk is said in our words; what cannot be read any more is kept under a name that says so.
import { existsSync, renameSync, statfsSync, utimesSync, type Stats } from 'node:fs';
import fs from 'node:fs/promises';      // called through the module object, so that tests can make any of its calls fail
import { basename, dirname, extname, join } from 'node:path';
import type { ErrorData, ErrorInfo } from '../../../preload/contract/errors';
import { AppError, toAppError } from '../../engine/errors';
import { systemFault } from '../../files/system-faults';
import { withTemp } from './temps';

/** Replaces what was there. Makes the folder. Throws disk.full, disk.failed; then nothing has changed. */
export const writeAtomic = (path: string, bytes: Uint8Array): Promise<void> => viaTemp(path, bytes, bytes.length, (temp) => fs.rename(temp, path));

/** Like `writeAtomic`, for what is too big to be in memory at once. `sizeBytes`: of all chunks together. Throws what making the chunks throws, too. */
export const writeAtomicChunks = (path: string, chunks: AsyncIterable<Uint8Array>, sizeBytes: number): Promise<void> =>
  viaTemp(path, chunks, sizeBytes, (temp) => fs.rename(temp, path));

/** Like `writeAtomic`, but never replaces anything: resolves to false when the name is taken. `mode`: who may read it. */
export const writeNew = (path: string, bytes: Uint8Array, mode?: number): Promise<boolean> => viaTemp(path, bytes, bytes.length, (temp) => nameNew(temp, path), mode);

/**
 * Like `writeNew`, for what comes in pieces and is named by them: `place` is asked for its path when all of it lies in `temp`, and may refuse it by throwing.
 * `sizeBytes`: as far as it is known. Throws what the pieces throw, too.
 */
export const writeNewPieces = (folder: string, pieces: AsyncIterable<Uint8Array>, sizeBytes: number, place: (temp: string) => Promise<string>): Promise<boolean> =>
  viaTemp(join(folder, 'a new file'), pieces, sizeBytes, async (temp) => {
    const path = await place(temp);
    await fs.mkdir(dirname(path), { recursive: true });
    const isNew = await nameNew(temp, path);
    await flushFolder(dirname(path));
    return isNew;
  });

type Content = Uint8Array | AsyncIterable<Uint8Array>;

async function viaTemp<T>(path: string, content: Content, sizeBytes: number, name: (temp: string) => Promise<T>, mode?: number): Promise<T> {
  const folder = dirname(path);
  try {
    await fs.mkdir(folder, { recursive: true });
    return await withTemp(folder, async (temp) => {
      await writeFlushed(temp, content, mode);
      const result = await name(temp);
      await flushFolder(folder);
      return result;
    });
  } catch (cause) {
    throw diskError(cause, { folder, what: basename(path), neededBytes: sizeBytes });
  }
}

async function writeFlushed(path: string, content: Content, mode?: number): Promise<void> {
  const handle = await fs.open(path, 'wx', mode);
  try {
    for await (const chunk of content instanceof Uint8Array ? [content] : content) await handle.writeFile(chunk);      // each where the last one ended
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A hard link is the one call that gives a name only when it is free. FAT and some network drives have none: there a look before the rename must do. */
async function nameNew(temp: string, path: string): Promise<boolean> {
  try {
    await fs.link(temp, path);
  } catch {
    if (existsSync(path)) return false;
    await fs.rename(temp, path);
  }
  return true;
}

/** So that the new name outlives a power cut. Windows neither can nor needs to. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await fs.open(folder, 'r').catch(() => null);
  await handle?.sync().catch(() => {});
  await handle?.close();
}

export interface DiskWrite { readonly folder: string; /** What was to be written, e.g. a file's name. */ readonly what: string; readonly neededBytes: number }

const full = ['ENOSPC', 'EDQUOT', 'SQLITE_FULL'];

/** disk.full or disk.failed with the folder and the size. What is no system error stays what it is. */
export function diskError(cause: unknown, { folder, what, neededBytes }: DiskWrite): AppError {
  if (cause instanceof AppError) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  if (typeof code !== 'string') return toAppError(cause);
  const passing = systemFault(cause, what);
  if (passing) return passing;
  if (!full.includes(code)) {
    return new AppError('disk.failed', { folder, what, detail: message }, { cause });
  }
  const freeBytes = freeBytesOf(folder), needs = { folder, what, neededBytes };
  return new AppError('disk.full', freeBytes === null ? { why: 'unknown', ...needs } : { why: 'known', ...needs, freeBytes }, { cause });
}

/** The drive has no room for it. */
export const isFull = ({ info }: AppError): boolean => info.code === 'disk.full' || (info.code === 'picture.unrecorded' && info.data.error.code === 'disk.full');

/** A drive with less is as good as full: nothing is kept on it that nobody needs. */
export const LITTLE_BYTES = 64 << 20;

/** null where that cannot be told. */
export function freeBytesOf(folder: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return null;      // the drive may be gone by now
  }
}

/** Since when a file lies in a trash. Where the time could not be stamped on it, most drives know when its entry changed. */
export const thrownAt = ({ mtimeMs, ctimeMs }: Stats): number => Math.max(mtimeMs, ctimeMs);

export function stampNow(path: string): void {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch { /* see above */ }
}

/** Renames `settings.json` to `settings.damaged-2026-11-21T07-18-55.json` and says so. `companions`: endings of files that go with it. */
export function putAside(path: string, why: ErrorData['data.damaged']['why'], detail: string, companions: readonly string[] = []): ErrorInfo {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  const name = basename(path, extname(path));
  let aside: string, n = 1;
  do aside = join(dirname(path), `${name}.damaged-${stamp}${n > 1 ? `-${n}` : ''}${extname(path)}`); while (existsSync(aside) && n++);
  for (const ending of ['', ...companions]) if (existsSync(path + ending)) renameSync(path + ending, aside + ending);
  return { code: 'data.damaged', data: { why, file: path, detail, kept: basename(aside) } };
}
