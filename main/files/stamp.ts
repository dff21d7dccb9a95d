// What tells that a model's file or folder is still the same, without reading it: size, and time of change.
import type { Stats } from 'node:fs';
import fs from 'node:fs/promises';      // called through the module object, so that tests can make any of its calls fail
import { join } from 'node:path';
import { configStampOf } from './model-config';
import { unreadable } from './weight-file';

export interface Stamp {
  readonly isFolder: boolean;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  /** Of the settings that lie beside it; '' without. */
  readonly config: string;
}

/** A model's networks lie one folder deep. */
const FOLDER_DEPTH = 1;

/** Of a folder, the size of all its files and the newest time of any. null when there is nothing at `path`. Throws file.unreadable, disk.silent, machine.exhausted. */
export async function stampOf(path: string): Promise<Stamp | null> {
  const found = await lookAt(path);
  if (!found) return null;
  const isFolder = found.isDirectory(), config = await configStampOf(path, isFolder);
  if (!isFolder) return { isFolder, sizeBytes: found.size, mtimeMs: found.mtimeMs, config };
  const files = await statFiles(path, FOLDER_DEPTH);
  return { isFolder, config, sizeBytes: files.reduce((sum, { size }) => sum + size, 0), mtimeMs: files.reduce((latest, { mtimeMs }) => Math.max(latest, mtimeMs), 0) };
}

/** The stamp as a word: another date or size, of the model or of the settings beside it, is another version. */
export async function versionOf(path: string): Promise<string> {
  const stamp = await stampOf(path);
  return `${stamp?.mtimeMs} ${stamp?.sizeBytes}${stamp?.config ? ` ${stamp.config}` : ''}`;
}

async function statFiles(folder: string, depth: number): Promise<{ size: number; mtimeMs: number }[]> {
  const names = await fs.readdir(folder).catch((cause: unknown) => { throwUnlessGone(folder, cause); return []; });
  const found = await Promise.all(names.filter((name) => !name.startsWith('.')).map(async (name) => {
    const path = join(folder, name), entry = await lookAt(path);      // follows links, which a download cache is made of
    return entry?.isDirectory() ? (depth > 0 ? statFiles(path, depth - 1) : []) : entry ? [entry] : [];
  }));
  return found.flat();
}

/** null when it is not there, or is a link that leads nowhere. */
async function lookAt(path: string): Promise<Stats | null> {
  return fs.stat(path).catch((cause: unknown) => { throwUnlessGone(path, cause); return null; });
}

function throwUnlessGone(path: string, cause: unknown): void {
  const why = unreadable(path, cause);
  if (why.code !== 'file.notFound') throw why;
}
