// Brings the library's files and records together: after a crash, after a lost database, after pictures were moved by hand. A picture is known by the
// id in its file, wherever that lies. Of several files with one id, the record stays with the file that it names, or goes to the oldest; each other
// one is a copy, which somebody made to have two, and becomes a picture of its own, as files of version 1 without an id do: by its bytes and its place.
import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';      // called through the module object, so that tests can make any of its calls fail
import { dirname, join } from 'node:path';
import { writeAtomic } from '../data/disk';
import type { PictureStore, StoredPicture } from '../database/pictures';
import { readPicture } from '../pictures/metadata';
import { NotAPlainFile, readPlain } from '../../files/plain-file';
import { walk } from '../../files/walk';
import { unreadable } from '../../files/weight-file';
import type { AppError } from '../../engine/errors';
import { wholePngSize } from '../../files/png-chunks';

export interface Recovery {
  /** Pictures of ours that had no record. */
  adopted: number;
  /** Records whose file lies somewhere else now. */
  moved: number;
  /** Records whose file is gone. */
  dropped: number;
  /** Files that are no whole picture of ours. They are left alone. */
  foreign: string[];
  /** What could not be looked at just now, so that any may be missing; nothing is dropped then. */
  away: AppError | null;
}

/**
 * Pictures may be saved and removed meanwhile: what is adopted twice is recorded once, and what is dropped is looked for once more. `mark`: a file whose
 * time of change says when this was last done to its end.
 */
export async function reconcile(folder: string, store: PictureStore, mark: string): Promise<Recovery> {
  const began = new Date(), lastSeenMs = await fs.stat(mark).then(({ mtimeMs }) => mtimeMs, () => -Infinity);
  const recorded = store.files();
  const recovery: Recovery = { adopted: 0, moved: 0, dropped: 0, foreign: [], away: null };
  const away = (path: string, cause: unknown): void => { recovery.away ??= unreadable(path, cause); };
  const files = (await walk(folder, { away }).catch((cause: unknown) => { away(folder, cause); return { files: [] }; })).files.filter((file) => file.endsWith('.png'));
  if (files.length === 0) return recovery;      // not one is left: rather is their drive away, or their folder may not be read
  const unknown = await oldestFirst(folder, files.filter((file) => !recorded.delete(file)));
  const lost = new Map<string, string>();
  for (const [file, id] of recorded) if (!await isThere(join(folder, file))) lost.set(id, file);
  for (const file of unknown) {
    const found = await readOwn(folder, file, away);
    if (found) recovery[takeUp(found, lost, store)]++;
    else recovery.foreign.push(file);
  }
  if (recovery.away) return recovery;
  for (const [id, file] of lost) {
    if (!store.isReadable(id) || await isElsewhere(folder, file, lastSeenMs)) continue;
    store.remove(id, () => {});
    recovery.dropped++;
  }
  await writeAtomic(mark, new Uint8Array()).then(() => fs.utimes(mark, began, began)).catch(() => {});      // without it more is dropped, and found again
  return recovery;
}

/** Of some file systems' times of change. */
const COARSEST_MS = 2_000;

/**
 * Whether a file that is not there was never removed: on its way stands a link that leads nowhere, or a folder that has not changed since the file was
 * last seen, so that the one which held it, on a drive of its own, is away.
 */
async function isElsewhere(folder: string, file: string, lastSeenMs: number): Promise<boolean> {
  for (let at = dirname(file); ; at = dirname(at)) {
    const there = await fs.stat(join(folder, at)).catch(() => null);
    if (there) return there.mtimeMs < lastSeenMs - COARSEST_MS;
    if (at === '.' || await fs.lstat(join(folder, at)).then(() => true, () => false)) return true;
  }
}

/** A picture's id where its file has none. */
const idOfPlace = (digest: Uint8Array, file: string): string => createHash('sha256').update(digest).update(file).digest('hex');

type Found = Omit<StoredPicture, 'id'> & { readonly id: string | null; readonly digest: Uint8Array };

/** Forgets of `lost` what is found. */
function takeUp({ digest, id, ...picture }: Found, lost: Map<string, string>, store: PictureStore): 'adopted' | 'moved' {
  const before = id === null ? [...lost].find(([lostId, place]) => idOfPlace(digest, place) === lostId)?.[0] : id;
  if (before !== undefined && lost.delete(before)) {
    store.move(before, picture.file);
    return 'moved';
  }
  const place = id === null ? null : store.file(id), isCopy = place !== null && place !== picture.file;
  store.adopt({ ...picture, id: id === null || isCopy ? idOfPlace(digest, picture.file) : id });
  return 'adopted';
}

/** null for what is no picture of ours, and for what cannot be read, which may be one: then `away` is called. */
async function readOwn(folder: string, file: string, away: (path: string, cause: unknown) => void): Promise<Found | null> {
  const path = join(folder, file);
  const png = await readPlain(path, { within: folder, mostBytes: MOST_PICTURE_BYTES }).catch((cause: unknown) => {
    if (!(cause instanceof NotAPlainFile || isGone(cause))) away(path, cause);
    return null;
  });
  const size = png && wholePngSize(png);
  if (!size) return null;
  const { own, job, parameters } = readPicture(png);
  if (!job) return null;
  const { id, ...made } = own ?? { id: null, createdAt: Math.max(0, Math.floor((await fs.stat(path)).mtimeMs)), seconds: 0 };
  return { id, file, ...size, sizeBytes: png.length, ...made, parameters: parameters?.text ?? '', job, digest: createHash('sha256').update(png).digest() };
}

async function oldestFirst(folder: string, files: readonly string[]): Promise<string[]> {
  const times = new Map<string, number>();
  for (const file of files) times.set(file, await fs.stat(join(folder, file)).then(({ mtimeMs }) => mtimeMs, () => Infinity));
  return files.toSorted((a, b) => times.get(a)! - times.get(b)! || (a < b ? -1 : 1));
}

/** Or may not be looked at. */
const isThere = (path: string): Promise<boolean> => fs.stat(path).then(() => true, (cause: unknown) => !isGone(cause));

const isGone = (cause: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '');

/** Of pixels that do not compress: what was made larger has up to 2²⁵ of them, with transparency. */
export const MOST_PICTURE_BYTES = 144 << 20;
