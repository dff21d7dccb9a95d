// Files of ours on disk. A file is either whole or not there: written beside its place under a name of its own, flushed to the disk, then given its
// name. What the system says of a disk is said in our words; what cannot be read any more is kept under a name that says so.
import { randomBytes } from 'node:crypto';
import { existsSync, renameSync, statfsSync } from 'node:fs';
import fs from 'node:fs/promises';      // called through the module object, so that tests can make any of its calls fail
import { basename, dirname, extname, join } from 'node:path';
import type { ErrorInfo } from '../../../preload/contract/errors';
import { AppError, toAppError } from '../../engine/errors';

/** Replaces what was there. Makes the folder. Throws disk.full, disk.failed; then nothing has changed. */
export const writeAtomic = (path: string, bytes: Uint8Array): Promise<void> => viaTemp(path, bytes, bytes.length, (temp) => fs.rename(temp, path));

/** Like `writeAtomic`, for what is too big to be in memory at once. `sizeBytes`: of all chunks together. Throws what making the chunks throws, too. */
export const writeAtomicChunks = (path: string, chunks: AsyncIterable<Uint8Array>, sizeBytes: number): Promise<void> =>
  viaTemp(path, chunks, sizeBytes, (temp) => fs.rename(temp, path));

/** Like `writeAtomic`, but never replaces anything: resolves to false when the name is taken. */
export const writeNew = (path: string, bytes: Uint8Array): Promise<boolean> => viaTemp(path, bytes, bytes.length, (temp) => nameNew(temp, path));

/** Removes what crashed writes left behind, in the folder and all below. Writes of processes that are alive stay. Returns how many there were. */
export async function sweepTemps(folder: string): Promise<number> {
  const files = await fs.readdir(folder, { recursive: true });
  const leftovers = files.filter((file) => isLeftover(basename(file)));
  await Promise.all(leftovers.map((file) => fs.rm(join(folder, file), { force: true })));
  return leftovers.length;
}

// The process's id tells whether a writer still lives; the token tells a former process of the same id from this one.
const token = randomBytes(4).toString('hex');
let count = 0;
const tempName = (): string => `.atelier-${process.pid}-${token}-${++count}.tmp`;
const tempPattern = /^\.atelier-(\d+)-([0-9a-f]{8})-\d+\.tmp$/;

function isLeftover(name: string): boolean {
  const [, pid, itsToken] = tempPattern.exec(name) ?? [];
  if (pid === undefined) return false;
  return Number(pid) === process.pid ? itsToken !== token : !isAlive(Number(pid));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

type Content = Uint8Array | AsyncIterable<Uint8Array>;

async function viaTemp<T>(path: string, content: Content, sizeBytes: number, name: (temp: string) => Promise<T>): Promise<T> {
  const folder = dirname(path), temp = join(folder, tempName());
  try {
    await fs.mkdir(folder, { recursive: true });
    await writeFlushed(temp, content);
    const result = await name(temp);
    await flushFolder(folder);
    return result;
  } catch (cause) {
    throw diskError(cause, { folder, what: basename(path), neededBytes: sizeBytes });
  } finally {
    await fs.rm(temp, { force: true }).catch(() => {});      // gone already after a rename; what cannot be removed now is swept later
  }
}

async function writeFlushed(path: string, content: Content): Promise<void> {
  const handle = await fs.open(path, 'wx');
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
  if (!full.includes(code)) {
    return new AppError('disk.failed', {
      message: `In ${folder}, ${what} cannot be written: ${message}`,
      hint: 'Check that the drive is connected and that you may write to this folder, or choose another data folder.',
      data: { folder, code }, cause,
    });
  }
  const freeBytes = freeBytesOf(folder);
  return new AppError('disk.full', {
    message: `No space left in ${folder}: ${what} needs ${size(neededBytes)}${freeBytes === null ? '' : ` and ${size(freeBytes)} are free`}`,
    hint: 'Free some space on this drive, or choose a data folder on another one, and try again.',
    data: { folder, neededBytes, freeBytes }, cause,
  });
}

function freeBytesOf(folder: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return null;      // the drive may be gone by now; the message does without
  }
}

function size(bytes: number): string {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} KB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** Renames `settings.json` to `settings.damaged-2026-11-21T07-18-55.json` and says so. `companions`: endings of files that go with it. */
export function putAside(path: string, reason: string, consequence: string, companions: readonly string[] = []): ErrorInfo {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  const name = basename(path, extname(path));
  let aside: string, n = 1;
  do aside = join(dirname(path), `${name}.damaged-${stamp}${n > 1 ? `-${n}` : ''}${extname(path)}`); while (existsSync(aside) && n++);
  for (const ending of ['', ...companions]) if (existsSync(path + ending)) renameSync(path + ending, aside + ending);
  return {
    code: 'file.unreadable',
    message: `${basename(path)} was damaged (${reason}). ${consequence}`,
    hint: `The old file is kept as ${basename(aside)} in ${dirname(path)}.`,
    data: { file: path, keptAs: aside },
  };
}
