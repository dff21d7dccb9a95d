// What tells that a model's file or folder is still the same, without reading it: size, and time of change.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface Stamp { readonly isFolder: boolean; readonly sizeBytes: number; readonly mtimeMs: number }

/** A model's networks lie one folder deep. */
const FOLDER_DEPTH = 1;

/** Of a folder, the size of all its files and the newest time of any. null when there is nothing at `path`. */
export async function stampOf(path: string): Promise<Stamp | null> {
  const found = await stat(path).catch(() => null);
  if (!found) return null;
  if (!found.isDirectory()) return { isFolder: false, sizeBytes: found.size, mtimeMs: found.mtimeMs };
  const files = await statFiles(path, FOLDER_DEPTH);
  return { isFolder: true, sizeBytes: files.reduce((sum, { size }) => sum + size, 0), mtimeMs: files.reduce((latest, { mtimeMs }) => Math.max(latest, mtimeMs), 0) };
}

/** The stamp as a word: another date or size is another version. */
export async function versionOf(path: string): Promise<string> {
  const stamp = await stampOf(path);
  return `${stamp?.mtimeMs} ${stamp?.sizeBytes}`;
}

async function statFiles(folder: string, depth: number): Promise<{ size: number; mtimeMs: number }[]> {
  const names = await readdir(folder).catch(() => []);
  const found = await Promise.all(names.filter((name) => !name.startsWith('.')).map(async (name) => {
    const path = join(folder, name), entry = await stat(path).catch(() => null);      // follows links, which a download cache is made of
    return entry?.isDirectory() ? (depth > 0 ? statFiles(path, depth - 1) : []) : entry ? [entry] : [];
  }));
  return found.flat();
}
