// What the system said about a disk, in our words: how much was needed where, and what to do about it.
import { statfsSync } from 'node:fs';
import { AppError, toAppError } from '../engine/errors';

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
