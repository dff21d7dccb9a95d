// Brings the library's files and records together: after a crash, after a lost database, after pictures were moved by hand.
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { PictureStore } from '../database/pictures';
import { readPicture } from '../pictures/metadata';
import { wholePngSize } from '../../files/png-chunks';

export interface Recovery {
  /** Pictures of ours that had no record. */
  adopted: number;
  /** Records whose file is gone. */
  dropped: number;
  /** Files that are no whole picture of ours. They are left alone. */
  foreign: string[];
}

/** Pictures may be saved and removed meanwhile: what is adopted twice is recorded once, and what is dropped is looked for once more. */
export async function reconcile(folder: string, store: PictureStore, idOf: (file: string, png: Uint8Array) => string): Promise<Recovery> {
  const recorded = store.files();
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.png')).map((file) => file.replaceAll(sep, '/'));
  const recovery: Recovery = { adopted: 0, dropped: 0, foreign: [] };
  for (const file of files) {
    if (recorded.delete(file)) continue;
    if (await adopt(folder, file, store, idOf)) recovery.adopted++;
    else recovery.foreign.push(file);
  }
  for (const [file, id] of recorded) {
    if (existsSync(join(folder, file))) continue;
    store.remove(id, () => {});
    recovery.dropped++;
  }
  return recovery;
}

async function adopt(folder: string, file: string, store: PictureStore, idOf: (file: string, png: Uint8Array) => string): Promise<boolean> {
  const path = join(folder, file);
  const png = await readFile(path).catch(() => null);
  const size = png && wholePngSize(png);
  if (!size) return false;
  const { job, parameters } = readPicture(png);
  if (!job) return false;
  const createdAt = Math.floor((await stat(path)).mtimeMs);
  // How long it took is the one thing that its file does not tell.
  store.adopt({ id: idOf(file, png), file, ...size, sizeBytes: png.length, createdAt, seconds: 0, parameters: parameters?.text ?? '', job });
  return true;
}
